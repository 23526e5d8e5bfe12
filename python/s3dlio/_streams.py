"""Verbs that take or give more than memory holds: iterators over objects of the native module."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from s3dlio import _s3dlio
from s3dlio._feed import Feed

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Iterable

    from s3dlio._s3dlio import Buffer, Entry
    from s3dlio._types import OptionsLike
    from s3dlio.exceptions import StorageError

# URIs that one call of the native module takes: some requests of each service.
_CHUNK = 16_000

# Failures that a message names; all of them are in its `failures`.
_NAMED = 3


def scan(
    uri: str,
    recursive: bool = False,
    pattern: str | None = None,
    *,
    options: OptionsLike | None = None,
) -> Generator[Entry]:
    """Lists objects as their pages arrive, with size, etag and time, in constant memory.

    Each page is asked for when the one before it has been taken; an iterator that is dropped or
    closed asks for nothing more.

    Args:
        uri: As for `list`.
        recursive: As for `list`.
        pattern: As for `list`.
        options: Settings of this call, as a dict or `Options`.

    Returns:
        An iterator of `Entry`, in bytewise order of the keys. A level that is not listed shows
        once, as a key that ends in `/`, of size 0.

    Raises:
        NotFoundError: There is no such bucket; raised with the first entry, as all that follow.
        InvalidInputError: No regular expression, or two of them; raised at once.
        StorageError: A page could not be read. A listing never just ends early.

    Example:
        >>> import s3dlio
        >>> s3dlio.create_bucket("memory://doc-scan/")
        >>> for key in ("a.csv", "b.txt", "d/c.csv"):
        ...     _ = s3dlio.put("memory://doc-scan/" + key, key.encode())
        >>> [(entry.key, entry.size) for entry in s3dlio.scan("memory://doc-scan/", recursive=True)]
        [('a.csv', 5), ('b.txt', 5), ('d/c.csv', 7)]
    """
    return _entries(_s3dlio.Pages(uri, recursive, pattern, options))


def _entries(pages: _s3dlio.Pages) -> Generator[Entry]:
    while page := pages.next():
        yield from page


async def scan_async(
    uri: str,
    recursive: bool = False,
    pattern: str | None = None,
    *,
    options: OptionsLike | None = None,
) -> AsyncGenerator[Entry]:
    """`scan` for asyncio: an asynchronous iterator; cancelling the task stops the listing.

    Args:
        uri: As for `list`.
        recursive: As for `list`.
        pattern: As for `list`.
        options: Settings of this call, as a dict or `Options`.

    Yields:
        Each `Entry`, as `scan` does.

    Raises:
        StorageError: As `scan`, with the first entry or a later one.

    Example:
        `async for entry in s3dlio.scan_async("s3://bucket/data/"): ...`
    """
    pages = _s3dlio.Pages(uri, recursive, pattern, options)
    while page := await pages.next_async():
        for entry in page:
            yield entry


def iter_many(
    uris: Iterable[str],
    *,
    ordered: bool = False,
    max_in_flight: int = 64,
    options: OptionsLike | None = None,
) -> Generator[tuple[int, Buffer]]:
    """Reads many objects ahead of whoever takes them, in bounded memory.

    Objects that are under way, or wait to be taken, are at most `max_in_flight`, and at most as
    many as fit the setting `memory_limit`, but always one. The iterable is consumed no further than
    that. An iterator that is dropped or closed stops its requests. One thread or task at a time may
    use it.

    Args:
        uris: The objects; any iterable.
        ordered: In the order of `uris`; if not, as they arrive.
        max_in_flight: Objects read at the same time, above 0.
        options: Settings of this call, as a dict or `Options`.

    Returns:
        An iterator of `(index, Buffer)`, where `index` counts `uris` from 0.

    Raises:
        StorageError: Of an object that could not be read, named in `.uri`, when its turn comes; the
            others are given up.
        InvalidInputError: `max_in_flight` below 1, raised at once. A bad URI, when all before it
            have been taken, as whatever `uris` itself raises.

    Example:
        >>> import s3dlio
        >>> s3dlio.create_bucket("memory://doc-iter/")
        >>> uris = [f"memory://doc-iter/{i}" for i in range(3)]
        >>> _ = s3dlio.put_many((uri, uri[-1].encode()) for uri in uris)
        >>> for index, data in s3dlio.iter_many(uris, ordered=True):
        ...     print(index, data.tobytes())
        0 b'0'
        1 b'1'
        2 b'2'
    """
    reads = _s3dlio.Reads(ordered, max_in_flight, options)
    return _buffers(Feed(uris, reads, "URIs"), reads)


def _buffers(feed: Feed, reads: _s3dlio.Reads) -> Generator[tuple[int, Buffer]]:
    try:
        feed.fill()
        while (item := reads.next()) is not None:
            yield item
            feed.fill()
        feed.end()
    finally:
        feed.close()


async def iter_many_async(
    uris: Iterable[str],
    *,
    ordered: bool = False,
    max_in_flight: int = 64,
    options: OptionsLike | None = None,
) -> AsyncGenerator[tuple[int, Buffer]]:
    """`iter_many` for asyncio: an asynchronous iterator; cancelling the task stops the requests.

    Args:
        uris: As for `iter_many`; consumed by the loop's own thread.
        ordered: As for `iter_many`.
        max_in_flight: As for `iter_many`.
        options: Settings of this call, as a dict or `Options`.

    Yields:
        Each `(index, Buffer)`, as `iter_many` does.

    Raises:
        StorageError: As `iter_many`.

    Example:
        `async for index, data in s3dlio.iter_many_async(uris): ...`
    """
    reads = _s3dlio.Reads(ordered, max_in_flight, options)
    feed = Feed(uris, reads, "URIs")
    try:
        feed.fill()
        while (item := await reads.next_async()) is not None:
            yield item
            feed.fill()
        feed.end()
    finally:
        feed.close()


def delete_many(
    uris: Iterable[str], max_in_flight: int = 64, *, options: OptionsLike | None = None
) -> int:
    """Deletes objects of any buckets, by as few requests as the services take.

    Each URI is one object: one that ends in `/` is the key of that name, and what lies below it
    stays. The iterable is consumed as the deletes go on.

    Args:
        uris: The objects; any iterable.
        max_in_flight: Requests under way at the same time, above 0.
        options: Settings of this call, as a dict or `Options`.

    Returns:
        URIs that were named; a missing object is success.

    Raises:
        StorageError: Of the class of the first failure, after all others have been deleted; its
            `failures` has `(uri, exception)` for each object that has not. Where a service cannot
            be reached, the rest of `uris` is not tried.
        InvalidInputError: A bad URI, or `max_in_flight` below 1.

    Example:
        >>> import s3dlio
        >>> s3dlio.create_bucket("memory://doc-delete-many/")
        >>> _ = s3dlio.put_many((f"memory://doc-delete-many/{i}", b"") for i in range(10))
        >>> s3dlio.delete_many(f"memory://doc-delete-many/{i}" for i in range(0, 10, 2))
        5
    """
    deletion = _Deletion(uris)
    while deletion.goes_on:
        deletion.add(_s3dlio.delete_many(deletion.chunk(), max_in_flight, options))
    return deletion.end()


async def delete_many_async(
    uris: Iterable[str], max_in_flight: int = 64, *, options: OptionsLike | None = None
) -> int:
    """`delete_many` for asyncio: awaits the result; cancelling the task stops the deletes.

    Args:
        uris: As for `delete_many`.
        max_in_flight: As for `delete_many`.
        options: Settings of this call, as a dict or `Options`.

    Returns:
        As `delete_many`.

    Raises:
        StorageError: As `delete_many`.

    Example:
        `count = await s3dlio.delete_many_async(...)`
    """
    deletion = _Deletion(uris)
    while deletion.goes_on:
        deletion.add(await _s3dlio.delete_many_async(deletion.chunk(), max_in_flight, options))
    return deletion.end()


class _Deletion:
    """What both forms of `delete_many` know between two chunks."""

    def __init__(self, uris: Iterable[str]) -> None:
        if isinstance(uris, str):
            raise TypeError("an iterable of URIs is required, not one str")
        self._uris = iter(uris)
        self._count = 0
        self._failures: list[StorageError] = []
        self.goes_on = True

    def chunk(self) -> list[str]:
        return list(islice(self._uris, _CHUNK))

    def add(self, outcome: tuple[int, list[StorageError]]) -> None:
        count, failures = outcome
        self._count += count
        self._failures += failures
        unreachable = any(failure.retryable for failure in failures)
        self.goes_on = count == _CHUNK and not unreachable

    def end(self) -> int:
        if not self._failures:
            return self._count
        first, failed = self._failures[0], len(self._failures)
        named = ", ".join(str(failure.uri) for failure in self._failures[:_NAMED])
        error = type(first)(
            f"delete_many: {failed} of {self._count} objects could not be deleted, "
            f"among them {named}: {first}",
            op="delete_many",
            uri=first.uri,
            code=first.code,
            status=first.status,
            request_id=first.request_id,
            attempts=first.attempts,
            elapsed_s=first.elapsed_s,
            retryable=first.retryable,
            errno=getattr(first, "errno", None),
        )
        error.failures = [(failure.uri or "", failure) for failure in self._failures]
        raise error

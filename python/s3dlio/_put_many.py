"""Writes of many objects, which are consumed as the writes go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3dlio import _s3dlio
from s3dlio._feed import Feed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from s3dlio._s3dlio import PutResult
    from s3dlio._types import Memory, OptionsLike


def put_many(
    objects: Iterable[tuple[str, Memory]],
    max_in_flight: int = 32,
    *,
    if_none_match: bool = False,
    metadata: Mapping[str, str] | None = None,
    content_type: str | None = None,
    storage_class: str | None = None,
    tier: str | None = None,
    options: OptionsLike | None = None,
) -> list[PutResult]:
    """Writes many objects at once, in bounded memory.

    They are written in no particular order: where `objects` names a URI twice, it is not determined
    which data stay.

    The iterable is consumed as the writes go on: beside those under way, at most `max_in_flight`
    objects wait, or a thousand where they are small. Together they hold no more than the setting
    `memory_limit`, but always one object.

    Args:
        objects: `(uri, data)` pairs, any iterable; `data` as for `put`, not copied.
        max_in_flight: Objects written at the same time, above 0.
        if_none_match: Fail where an object exists.
        metadata: User metadata of each object, str to str.
        content_type: MIME type of each object; the default is the service's.
        storage_class: S3 storage class of each object.
        tier: Azure access tier of each object: `Hot`, `Cool`, `Cold` or `Archive`.
        options: Settings of this call, as a dict or `Options`.

    Returns:
        A list of `PutResult` in the order of `objects`.

    Raises:
        StorageError: Of the first object that could not be written, named in `.uri`; others may
            have been written, and no more of `objects` is consumed.
        UnsupportedError: The store has no such thing as an option asks for; the option is named.
        InvalidInputError: `max_in_flight` below 1, or an option's value that the store does not
            take. A bad URI, when all before it have been written, as whatever `objects` itself
            raises.

    Example:
        >>> import s3dlio
        >>> s3dlio.create_bucket("memory://doc-put-many/")
        >>> results = s3dlio.put_many((f"memory://doc-put-many/{i}", bytes(i)) for i in range(3))
        >>> [result.size for result in results]
        [0, 1, 2]
    """
    writes = _s3dlio.Writes(
        max_in_flight, if_none_match, metadata, content_type, storage_class, tier, options
    )
    feed = Feed(objects, writes, "(uri, data) pairs")
    try:
        while feed.fill():
            writes.room()
        results = writes.finish()
        feed.end()
        return results
    finally:
        feed.close()


async def put_many_async(
    objects: Iterable[tuple[str, Memory]],
    max_in_flight: int = 32,
    *,
    if_none_match: bool = False,
    metadata: Mapping[str, str] | None = None,
    content_type: str | None = None,
    storage_class: str | None = None,
    tier: str | None = None,
    options: OptionsLike | None = None,
) -> list[PutResult]:
    """`put_many` for asyncio: awaits the result; cancelling the task stops the writes.

    Args:
        objects: As for `put_many`; consumed by the loop's own thread.
        max_in_flight: As for `put_many`.
        if_none_match: As for `put_many`.
        metadata: As for `put_many`.
        content_type: As for `put_many`.
        storage_class: As for `put_many`.
        tier: As for `put_many`.
        options: Settings of this call, as a dict or `Options`.

    Returns:
        As `put_many`.

    Raises:
        StorageError: As `put_many`.

    Example:
        `results = await s3dlio.put_many_async(...)`
    """
    writes = _s3dlio.Writes(
        max_in_flight, if_none_match, metadata, content_type, storage_class, tier, options
    )
    feed = Feed(objects, writes, "(uri, data) pairs")
    try:
        while feed.fill():
            await writes.room_async()
        results = await writes.finish_async()
        feed.end()
        return results
    finally:
        feed.close()

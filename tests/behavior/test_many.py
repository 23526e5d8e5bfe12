"""Verbs on many objects answer for each of them, in bounded memory."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

import s3dlio as s3
from python.child import DEADLINE, pickled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from behavior.place import Place


def put_numbered(place: Place, count: int) -> list[str]:
    uris = [place.uri(f"n/{i}") for i in range(count)]
    options = {**place.options, "durable": False}  # the verbs are tested, not the disk
    s3.put_many([(uri, b"x" * (i % 10)) for i, uri in enumerate(uris)], options=options)
    return uris


def test_scan_tells_size_etag_and_time(place: Place) -> None:
    place.put("a", b"12345")
    place.put("d/b", b"")
    entry = s3.stat(place.uri("a"), options=place.options)

    first, second = s3.scan(place.base, options=place.options)

    assert (first.key, first.size, first.etag) == (f"{place.prefix}a", 5, entry["etag"])
    assert first.last_modified == entry["last_modified"]
    assert (second.key, second.size) == (f"{place.prefix}d/", 0)
    assert pickled(first) == first != second


def test_scan_gives_what_list_gives(place: Place) -> None:
    put_numbered(place, 2100)
    options = place.options

    async def twin() -> list[str]:
        entries = s3.scan_async(place.base, True, options=options)
        return [entry.key async for entry in entries]

    keys = s3.list(place.base, True, options=options)
    assert [entry.key for entry in s3.scan(place.base, True, options=options)] == keys
    assert asyncio.run(twin()) == keys
    ends = s3.scan(place.uri("n/"), pattern=".*99", options=options)
    assert [entry.key for entry in ends] == [key for key in keys if key.endswith("99")]
    s3.delete_many((place.uri(f"n/{i}") for i in range(2100)), options=options)
    assert next(s3.scan(place.base, True, options=options), None) is None


def test_stats_come_in_order(place: Place) -> None:
    uris = put_numbered(place, 40)

    found = s3.stat_many(iter(uris), 8, options=place.options)

    assert [uri for uri, _ in found] == uris
    assert [entry["size"] for _, entry in found] == [i % 10 for i in range(40)]
    assert found[7][1] == s3.stat(uris[7], options=place.options)
    missing = place.uri("missing")
    with pytest.raises(s3.NotFoundError) as caught:
        s3.stat_many([*uris, missing], options=place.options)
    assert caught.value.uri == missing
    assert asyncio.run(s3.stat_many_async(uris, options=place.options)) == found


def test_delete_many_removes_exactly_what_was_named(place: Place) -> None:
    uris = put_numbered(place, 60)
    named = [*uris[:7], *uris[8:50], place.uri("missing")]

    assert s3.delete_many(iter(named), options=place.options) == 50
    rest = asyncio.run(s3.delete_many_async(uris[51:], 1, options=place.options))

    assert rest == 9
    assert place.names() == ["n/50", "n/7"]
    assert s3.delete_many([], options=place.options) == 0


def test_delete_many_names_what_is_left(place: Place) -> None:
    uris = put_numbered(place, 3)
    # A directory, or a bucket that is not there.
    wrong = place.uri("n") if place.local else place.base.rstrip("/") + "-missing/x"

    with pytest.raises(s3.StorageError) as caught:
        s3.delete_many([uris[0], wrong, uris[1]], options=place.options)

    error = caught.value
    ((uri, failure),) = error.failures
    assert (uri, error.op, error.uri) == (wrong, "delete_many", wrong)
    assert type(error) is type(failure)
    assert f"1 of 3 objects could not be deleted, among them {wrong}: delete {wrong}: " in str(
        error
    )
    again = pickled(error)
    assert [uri for uri, _ in again.failures] == [wrong]
    assert str(again.failures[0][1]) == str(failure)
    assert place.names() == ["n/2"]


def test_put_many_writes_while_it_consumes(place: Place) -> None:
    uris = [place.uri(str(i)) for i in range(3)]

    def objects() -> Iterator[tuple[str, bytes]]:
        for uri in uris:
            yield uri, uri.encode()
            deadline = time.monotonic() + DEADLINE
            while not s3.exists(uri, options=place.options):
                assert time.monotonic() < deadline, "nothing is written while the iterable waits"

    assert len(s3.put_many(objects(), options=place.options)) == 3
    s3.delete_many(uris, options=place.options)
    assert len(asyncio.run(s3.put_many_async(objects(), options=place.options))) == 3
    got = s3.get_many(uris, options=place.options)
    assert [data.tobytes() for _, data in got] == [uri.encode() for uri in uris]


def test_put_many_writes_what_came_before_a_failure_of_the_iterable(place: Place) -> None:
    uris = [place.uri(f"n/{i}") for i in range(500)]
    options = {**place.options, "durable": False}

    def objects() -> Iterator[tuple[str, bytes]]:
        for uri in uris:
            yield uri, b""
        raise LookupError("no more")

    calls: list[Callable[[], object]] = [
        lambda: s3.put_many(objects(), options=options),
        lambda: asyncio.run(s3.put_many_async(objects(), options=options)),
    ]
    for call in calls:
        with pytest.raises(LookupError, match="no more"):
            call()
        assert len(s3.list(place.uri("n/"), options=options)) == 500
        s3.delete_many(uris, options=options)
    with pytest.raises(s3.InvalidInputError):
        s3.put_many([(uris[0], b""), ("gs://b/k", b"")], options=options)
    assert s3.exists(uris[0], options=options)


def test_put_many_consumes_no_more_after_a_failure(place: Place) -> None:
    consumed = [0]
    place.put("there", b"")

    def objects() -> Iterator[tuple[str, bytes]]:
        while True:
            consumed[0] += 1
            yield place.uri("there"), bytes(1 << 20)

    calls: list[Callable[[], object]] = [
        lambda: s3.put_many(objects(), 2, if_none_match=True, options=place.options),
        lambda: asyncio.run(
            s3.put_many_async(objects(), 2, if_none_match=True, options=place.options)
        ),
    ]
    for call in calls:
        consumed[0] = 0
        with pytest.raises(s3.AlreadyExistsError) as caught:
            call()
        assert caught.value.uri == place.uri("there")
        assert consumed[0] < 100

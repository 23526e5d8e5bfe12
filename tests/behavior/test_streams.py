"""Objects read ahead, many buffers in one object, and ranges into many destinations."""

from __future__ import annotations

import asyncio
import random
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

import s3dlio as s3
from behavior.place import PART

if TYPE_CHECKING:
    from collections.abc import Iterator

    from behavior.place import Place

RANDOM = random.Random(21)  # noqa: S311 - test data


def put_numbered(place: Place, count: int) -> list[bytes]:
    bodies = [RANDOM.randbytes(1000 * i) for i in range(count)]
    bodies[3] = RANDOM.randbytes(2 * PART + 1)
    s3.put_many(((place.uri(str(i)), body) for i, body in enumerate(bodies)), options=place.options)
    return bodies


def test_iter_many_gives_every_object_once(place: Place) -> None:
    bodies = put_numbered(place, 20)
    uris = [place.uri(str(i)) for i in range(20)]

    async def twin() -> list[tuple[int, s3.Buffer]]:
        reads = s3.iter_many_async(iter(uris), ordered=True, options=place.options)
        return [item async for item in reads]

    ordered = list(s3.iter_many(iter(uris), ordered=True, options=place.options))
    arrived = list(s3.iter_many(uris, max_in_flight=3, options=place.options))

    assert [i for i, _ in ordered] == list(range(20))
    for got in (ordered, sorted(arrived, key=lambda item: item[0]), asyncio.run(twin())):
        assert [data for _, data in got] == bodies
    assert list(s3.iter_many([], options=place.options)) == []


def test_iter_many_raises_in_its_turn_and_consumes_no_more(place: Place) -> None:
    put_numbered(place, 4)
    consumed = []

    def uris() -> Iterator[str]:
        for name in ("0", "1", "missing", *"0123" * 100):
            consumed.append(name)
            yield place.uri(name)

    reads = s3.iter_many(uris(), ordered=True, max_in_flight=2, options=place.options)
    assert [next(reads)[0] for _ in range(2)] == [0, 1]
    with pytest.raises(s3.NotFoundError) as caught:
        next(reads)

    assert caught.value.uri == place.uri("missing")
    assert len(consumed) <= 4
    assert next(reads, None) is None


def test_put_vectored_joins_nothing_and_sums_spans(place: Place) -> None:
    sent = RANDOM.randbytes(2 * PART + 100)
    cuts = [0, 1, 1, 5000, PART - 3, PART + 3, 2 * PART, len(sent)]
    buffers = [sent[a:b] for a, b in pairwise(cuts)]
    spans = [(0, len(sent)), (4999, PART), (7, 0)]

    uri = place.uri("object")
    result = s3.put_vectored(uri, iter(buffers), crc_spans=iter(spans), options=place.options)

    got = place.get("object")
    assert got == sent
    assert result.crc32c == got.crc32c() == result.span_crc32c[0]
    assert result.span_crc32c == tuple(got[a : a + n].crc32c() for a, n in spans)
    with pytest.raises(s3.AlreadyExistsError):
        s3.put_vectored(uri, [b"x"], if_none_match=True, options=place.options)
    assert s3.put_vectored(uri, [], options=place.options).size == 0
    assert place.get("object") == b""


def test_read_into_many_fills_each_destination(place: Place) -> None:
    bodies = put_numbered(place, 5)
    wanted = [(3, 2 * PART, 1), (4, 0, 4000), (3, 0, 9), (3, 100, PART), (3, 50, 100), (2, 1, 0)]

    for max_gap in (0, 1 << 20, 1 << 40):
        rows = [np.zeros(length, np.uint8) for _, _, length in wanted]
        reads = [
            (place.uri(str(i)), offset, row)
            for (i, offset, _), row in zip(wanted, rows, strict=True)
        ]
        total = s3.read_into_many(iter(reads), max_gap=max_gap, options=place.options)

        assert total == sum(length for _, _, length in wanted)
        for (i, offset, length), row in zip(wanted, rows, strict=True):
            assert row.tobytes() == bodies[i][offset : offset + length]
    late = [(place.uri("4"), 0, bytearray(1)), (place.uri("1"), 999, bytearray(2))]
    with pytest.raises(s3.ShortReadError, match="2 bytes were asked for from offset 999") as caught:
        s3.read_into_many(late, options=place.options)
    assert caught.value.uri == place.uri("1")
    for _, _, target in late:
        target.append(0)  # Nobody holds the memory any more.

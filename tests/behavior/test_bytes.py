"""Bytes come back as they were put: whole, in ranges, in parts."""

from __future__ import annotations

import array
import random
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import s3dlio as s3
from behavior.place import PART

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from behavior.place import Place

RANDOM = random.Random(20)  # noqa: S311 - test data
SIZES = (0, 1, 4095, 4097, 1_000_003, PART - 1, PART, PART + 1)


@pytest.mark.parametrize("size", SIZES)
def test_objects_of_every_size_round_trip(place: Place, size: int) -> None:
    sent = RANDOM.randbytes(size)

    result = place.put("object", sent)

    assert (result.size, place.get("object")) == (size, sent)
    assert s3.stat(place.uri("object"), options=place.options)["size"] == size


def test_an_object_of_many_parts_round_trips(place: Place) -> None:
    sent = RANDOM.randbytes(64 << 20)

    result = place.put("large", sent)
    got = place.get("large")

    assert got == sent
    assert got.crc32c() == result.crc32c
    stats = s3.get_many_stats([place.uri("large")], options=place.options)
    assert stats == (1, len(sent))


def words(start: int, stop: int) -> NDArray[np.uint64]:
    """The bytes from ``start`` to ``stop`` of a body in which no two words are alike."""
    return np.arange(start // 8, stop // 8, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)


def test_a_gibibyte_round_trips(place: Place) -> None:
    """Every byte is compared, a piece at a time, so that the object is held once.

    Azurite takes minutes for a gibibyte, so it is given a quarter of one, and so is memory.
    """
    size = (256 if place.target in {"azurite", "memory"} else 1024) << 20
    step = 64 << 20
    sent = bytearray(size)
    for start in range(0, size, step):
        sent[start : start + step] = words(start, start + step).tobytes()
    result = s3.put(place.uri("large"), sent, options=place.options)
    if place.target != "memory":  # which holds these very pages
        sent.clear()

    got = place.get("large")

    assert (len(got), got.crc32c()) == (size, result.crc32c)
    for start in range(0, size, step):
        assert got[start : start + step] == words(start, start + step).tobytes()


@pytest.mark.parametrize("size", [1, 4095, 4096, PART + 1, 2 * PART + 3])
def test_memory_is_aligned_as_promised(place: Place, size: int) -> None:
    """To 64 bytes, and where the device writes into it to whole blocks, from one block on."""
    place.put("object", bytes(size))

    ((_, many),) = s3.get_many([place.uri("object")], options=place.options)
    [(_, iterated)] = s3.iter_many([place.uri("object")], options=place.options)
    got = [place.get("object"), many, iterated]
    if size > 1:
        got.append(s3.get_range(place.uri("object"), 1, size - 1, options=place.options))

    for data in got:
        alignment = 4096 if place.target == "direct" and len(data) >= 4096 else 64
        assert data.view(np.uint8).ctypes.data % alignment == 0, len(data)


def test_ranges_at_every_border(place: Place) -> None:
    size = 2 * PART + 5
    sent = RANDOM.randbytes(size)
    place.put("object", sent)
    uri = place.uri("object")
    for start in (0, 1, 4096, PART - 1, PART, size - 1):
        for length in (1, 4096, PART, PART + 1):
            got = s3.get_range(uri, start, length, options=place.options)
            assert got == sent[start : start + length], (start, length)
        assert s3.get(uri, offset=start, options=place.options) == sent[start:]
    assert s3.get_range(uri, 3, 0, options=place.options) == b""
    beyond: list[tuple[int, int | None]] = [(size, 1), (size, None), (size + 1, None), (size, 0)]
    for offset, wanted in beyond:
        with pytest.raises(s3.InvalidInputError) as caught:
            s3.get_range(uri, offset, wanted, options=place.options)
        assert caught.value.code == "InvalidRange"


def test_ranges_of_an_empty_object(place: Place) -> None:
    place.put("empty", b"")
    for length in (None, 0, 1):
        assert s3.get_range(place.uri("empty"), 0, length, options=place.options) == b""
    with pytest.raises(s3.InvalidInputError):
        s3.get_range(place.uri("empty"), 1, options=place.options)


@pytest.mark.parametrize(("offset", "length"), [(-1, None), (0, -1)])
def test_negative_ranges_are_refused(place: Place, offset: int, length: int | None) -> None:
    place.put("object", b"x")
    with pytest.raises(s3.InvalidInputError, match="-1"):
        s3.get_range(place.uri("object"), offset, length, options=place.options)


def test_an_overwrite_replaces_everything(place: Place) -> None:
    place.put("object", RANDOM.randbytes(PART + 1))
    place.put("object", b"short")
    assert place.get("object") == b"short"


def test_an_existing_object_is_kept_when_asked(place: Place) -> None:
    place.put("object", b"first")
    with pytest.raises(s3.AlreadyExistsError):
        s3.put(place.uri("object"), b"second", if_none_match=True, options=place.options)
    assert place.get("object") == b"first"


def test_every_contiguous_buffer_is_taken(place: Place) -> None:
    floats = np.arange(1000, dtype=np.float32).reshape(10, 100)
    several: tuple[Any, ...] = (
        b"bytes",
        bytearray(b"bytearray"),
        memoryview(b"view")[1:],
        array.array("d", [1.0, 2.0]),
        floats,
        floats[3:5],
        np.float64(3.5),
        np.array(7, dtype=np.int16),
    )
    for data in several:
        s3.put(place.uri("object"), data, options=place.options)
        assert place.get("object") == memoryview(data).tobytes()
    place.put("buffer", b"0123456789")
    s3.put(place.uri("object"), place.get("buffer")[2:5], options=place.options)
    assert place.get("object") == b"234"
    with pytest.raises((BufferError, s3.InvalidInputError)):
        s3.put(place.uri("object"), floats[:, ::2], options=place.options)


def test_reads_fill_the_callers_memory(place: Place) -> None:
    sent = RANDOM.randbytes(2 * PART + 3)
    place.put("object", sent)
    for offset, length in ((0, len(sent)), (0, 10), (1, PART), (PART, PART + 3)):
        target = np.zeros(length, dtype=np.uint8)
        count = s3.read_into(place.uri("object"), target, offset=offset, options=place.options)
        assert count == length
        assert target.tobytes() == sent[offset : offset + length]
    with pytest.raises(s3.ShortReadError):
        s3.read_into(place.uri("object"), bytearray(len(sent) + 1), options=place.options)


def test_many_objects_come_in_order(place: Place) -> None:
    objects = {place.uri(f"many/{i}"): RANDOM.randbytes(1000 + i) for i in range(40)}

    results = s3.put_many(list(objects.items()), max_in_flight=8, options=place.options)
    got = s3.get_many(list(objects), max_in_flight=8, options=place.options)

    assert [result.size for result in results] == [len(body) for body in objects.values()]
    assert got == list(objects.items())
    with pytest.raises(s3.NotFoundError, match="missing"):
        s3.get_many([*objects, place.uri("missing")], options=place.options)


def test_stat_has_the_documented_keys(place: Place) -> None:
    place.put("object", b"12345")

    stat = s3.stat(place.uri("object"), options=place.options)

    keys = [
        "size",
        "last_modified",
        "etag",
        "content_type",
        "content_language",
        "storage_class",
        "metadata",
        "version_id",
        "replication_status",
        "server_side_encryption",
        "ssekms_key_id",
    ]
    assert list(stat) == keys + (["tier"] if place.target == "azurite" else [])
    assert stat["size"] == 5
    assert np.datetime64(str(stat["last_modified"]).removesuffix("Z")) is not None
    assert str(stat["etag"]).startswith('"')

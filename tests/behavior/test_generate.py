"""Generated objects on every back end, read back by what reads them elsewhere or by hand."""

from __future__ import annotations

import asyncio
import hashlib
import io
import pickle
import struct
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pytest

import s3dlio as s3
from behavior.place import PART, Place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BLOCK = 4096
RECORD = 64 << 10

SIZES = [300, 65_535, 65_536, PART + 1, 2 * PART, (17 << 20) + 5]


def made(place: Place, **arguments: object) -> list[bytes]:
    """Generate objects and return them in the order of their numbers."""
    report = s3.generate(place.base, template="k{}", options=place.options, **arguments)  # type: ignore[arg-type]
    return [place.get(f"k{number}").tobytes() for number in range(report.objects)]


def test_names_sizes_and_report(place: Place) -> None:
    report = s3.generate(f"{place.base}run", 12, size=1000, seed=3, options=place.options)

    assert place.names() == sorted(f"run/object_{number}_of_12.dat" for number in range(12))
    assert {len(place.get(name)) for name in place.names()} == {1000}
    assert (report.objects, report.bytes, report.seed) == (12, 12_000, 3)
    assert report.elapsed_s > 0
    assert pickle.loads(pickle.dumps(report)) == report  # noqa: S301 - our own


def test_a_seed_decides_the_bytes(place: Place) -> None:
    first = made(place, num=3, size=PART + 9, seed=1)
    again = made(place, num=3, size=PART + 9, seed=1)
    other = made(place, num=3, size=PART + 9, seed=2)
    chosen = [made(place, num=1, size=100)[0] for _ in range(2)]

    assert first == again
    assert len({*first, *other, *chosen}) == 8


def test_missing_buckets_are_made_when_asked(place: Place) -> None:
    base = place.base[:-1] + "-new/"
    missing = {"size": 10, "options": place.options}
    if not place.local:
        with pytest.raises(s3.NotFoundError, match="object_0_of_1"):
            s3.generate(base, **missing)  # type: ignore[arg-type]

    for _ in range(2):
        s3.generate(base, create_bucket=True, **missing)  # type: ignore[arg-type]

    assert len(s3.list(base, options=place.options)) == 1
    s3.delete(base, options=place.options)
    s3.delete_bucket(base, options=place.options)


def test_what_is_there_is_kept_when_asked(place: Place) -> None:
    place.put("1", b"first")

    one_by_one = {"max_in_flight": 1, "options": place.options}
    with pytest.raises(s3.AlreadyExistsError) as caught:
        s3.generate(place.base, 3, size=9, template="{}", if_none_match=True, **one_by_one)  # type: ignore[arg-type]

    assert caught.value.uri == place.uri("1")
    assert place.get("1") == b"first"
    assert place.names() == ["0", "1"]


@pytest.mark.parametrize("size", SIZES)
def test_npz_is_what_numpy_reads(place: Place, size: int) -> None:
    (data,) = made(place, object_type="NPZ", size=size)

    with np.load(io.BytesIO(data)) as archive:
        assert archive.files == ["data"]
        array = archive["data"]
    assert len(data) == size
    assert (array.dtype, array.shape) == (np.uint8, (len(array),))
    assert data.count(array.tobytes()) == 1
    assert size - len(array) < (4300 if size >= 65_536 else 221)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None


def test_archives_above_4_gib_are_read(tmp_path: Path, scale: str) -> None:
    if scale == "quick":
        pytest.skip("writes and reads 4 GiB: SCALE=full")
    size = (4 << 30) + 5000

    s3.generate(f"file://{tmp_path}/", size=size, object_type="NPZ", template="k")

    assert (tmp_path / "k").stat().st_size == size
    with zipfile.ZipFile(tmp_path / "k") as archive:
        assert archive.testzip() is None
        with archive.open("data.npy") as member:
            assert np.lib.format.read_magic(member) == (1, 0)
            shape, _, dtype = np.lib.format.read_array_header_1_0(member)
    # What stands before the array has a page, and what follows has 196 bytes.
    assert (shape, dtype) == ((size - 4096 - 196,), np.uint8)


def crc32c(data: bytes) -> int:
    """CRC-32C, one bit at a time for each value of a byte."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def _entry(crc: int) -> int:
    for _ in range(8):
        crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc


_TABLE = [_entry(byte) for byte in range(256)]


def masked(data: bytes) -> int:
    crc = crc32c(data)
    return (crc >> 15 | crc << 17 & 0xFFFFFFFF) + 0xA282EAD8 & 0xFFFFFFFF


def records(data: bytes) -> Iterator[bytes]:
    """The records of a file, with their checksums compared."""
    at = 0
    while at < len(data):
        (length,) = struct.unpack_from("<Q", data, at)
        end = at + 12 + length
        assert struct.unpack_from("<I", data, at + 8) == (masked(data[at : at + 8]),)
        assert struct.unpack_from("<I", data, end) == (masked(data[at + 12 : end]),)
        yield data[at + 12 : end]
        at = end + 4
    assert at == len(data)


def varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (message[at] & 0x7F) << shift
        shift += 7
        at += 1
        if message[at - 1] < 0x80:
            return value, at


def fields(message: bytes) -> dict[int, bytes]:
    """The fields of a message in which each has a length and occurs once."""
    found, at = {}, 0
    while at < len(message):
        tag, at = varint(message, at)
        length, at = varint(message, at)
        assert tag & 7 == 2
        assert tag >> 3 not in found
        found[tag >> 3] = message[at : at + length]
        at += length
    assert at == len(message)
    return found


@pytest.mark.parametrize("size", [300, RECORD, RECORD + 42, 3 * RECORD + 43, (1 << 20) + 5])
def test_tfrecord_is_framed_and_checksummed(place: Place, size: int) -> None:
    (data,) = made(place, object_type="TFRECORD", size=size)

    payloads = []
    for example in records(data):
        entry = fields(fields(fields(example)[1])[1])
        assert entry[1] == b"data"
        payloads.append(fields(fields(entry[2])[1])[1])
    assert len(data) == size
    assert sum(map(len, payloads)) == size - 42 * len(payloads)
    assert len(payloads) == max(1, (size - 43) // RECORD + 1)


@pytest.mark.parametrize("object_type", ["RAW", "NPZ", "TFRECORD", "HDF5"])
def test_blocks_repeat_as_often_as_asked(place: Place, object_type: str) -> None:
    objects = made(place, num=8, size=1 << 20, object_type=object_type, dedup=4, seed=1)

    blocks = [each[at : at + BLOCK] for each in objects for at in range(0, len(each), BLOCK)]
    distinct = len({hashlib.sha256(block).digest() for block in blocks})
    factor = len(blocks) / distinct
    print(f"{object_type}: {factor:.3f}")
    assert factor == pytest.approx(4, rel=0.02)
    assert len(set(objects)) == 8


def test_large_objects_take_bounded_memory(place: Place) -> None:
    if place.target == "memory":
        pytest.skip("the objects themselves are in memory")
    options = {**place.options, "memory_limit": 64 << 20}

    report = s3.generate(place.base, 2, size=200 << 20, object_type="NPZ", options=options)

    assert report.bytes == 400 << 20
    uris = s3.list_uris(place.base, options=place.options)
    assert s3.get_many_stats(uris, options=options) == (2, 400 << 20)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"num": 0}, "num"),
        ({"num": -1}, "num"),
        ({"size": -1}, "-1"),
        ({"object_type": "PICKLE"}, "TFRECORD"),
        ({"object_type": "NPZ", "size": 220}, "221"),
        ({"object_type": "TFRECORD", "size": 42}, "43"),
        ({"object_type": "HDF5", "size": 192}, "193"),
        ({"template": "{}{}{}"}, "template"),
        ({"num": 2, "template": "one"}, "one"),
        ({"dedup": 0}, "dedup"),
        ({"compress": 0.5}, "0.5"),
        ({"compress": 101}, "101"),
        ({"max_in_flight": 0}, "max_in_flight"),
        ({"seed": -1}, "seed"),
    ],
)
def test_what_cannot_be_made_is_refused(arguments: dict[str, object], word: str) -> None:
    with pytest.raises(s3.InvalidInputError, match=word):
        s3.generate("memory://never-made/", **arguments)  # type: ignore[arg-type]


def test_the_twin_does_the_same() -> None:
    base = "memory://generate-twin/"
    arguments = {"num": 2, "size": 100, "seed": 5}
    s3.generate(f"{base}a", create_bucket=True, **arguments)  # type: ignore[arg-type]

    report = asyncio.run(s3.generate_async(f"{base}b", **arguments))  # type: ignore[arg-type]

    assert report.objects == 2
    objects = [s3.get(uri).tobytes() for uri in s3.list_uris(base, recursive=True)]
    assert objects[:2] == objects[2:]

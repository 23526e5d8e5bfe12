from __future__ import annotations

import hashlib
import io
import json
import struct
from pathlib import Path

import numpy as np
import pytest
import zstandard

from cli.program import call


def content(directory: str) -> list[bytes]:
    """Return the bytes of the files of a file:// URI, in order."""
    root = Path(directory.removeprefix("file://"))
    return [path.read_bytes() for path in sorted(root.iterdir())]


@pytest.mark.parametrize("object_type", ["RAW", "npz", "TFRECORD", "HDF5"])
def test_every_type_is_put_and_read_whole(bucket: str, object_type: str) -> None:
    put = call("--json", "put", "-c", "-n", "3", "-s", "300000", "-o", object_type, bucket)

    assert json.loads(put.out)["bytes"] == 900_000
    assert call("du", bucket).out == f"900000 bytes in 3 objects: {bucket}\n"
    assert json.loads(call("--json", "get", bucket).out)["bytes"] == 900_000


def test_types_are_told_by_their_content(directory: str) -> None:
    for object_type in ("HDF5", "NPZ"):
        call("put", "-s", "5000", "-o", object_type, "-t", object_type, directory)

    hdf5, npz = content(directory)
    assert hdf5.startswith(b"\x89HDF\r\n\x1a\n")
    assert np.load(io.BytesIO(npz))["data"].size == 5000 - 220


def test_factors_decide_the_content(directory: str) -> None:
    call("put", "-n", "4", "-s", "262144", "-d", "4", "-x", "2", "-t", "{}", directory)

    data = b"".join(content(directory))
    blocks = [data[at : at + 4096] for at in range(0, len(data), 4096)]
    assert len(blocks) == 4 * len({hashlib.sha256(block).digest() for block in blocks})
    assert all(block.endswith(bytes(2048)) and block[2040:2048] != bytes(8) for block in blocks)


@pytest.mark.parametrize("object_type", ["RAW", "NPZ", "TFRECORD", "HDF5"])
@pytest.mark.parametrize("factor", [1, 2, 8])
def test_every_type_compresses_as_asked(directory: str, object_type: str, factor: int) -> None:
    call("put", "-s", "4000000", "-o", object_type, "-x", str(factor), directory)

    (data,) = content(directory)
    ratio = len(data) / len(zstandard.ZstdCompressor(level=3).compress(data))
    assert len(data) == 4_000_000
    assert factor * 0.95 < ratio < factor * 1.1


def repeated(object_type: str, data: bytes) -> list[bytes]:
    """The pieces of an object that `-d` counts: records of TFRECORD, else blocks of 4 KiB."""
    if object_type == "TFRECORD":
        records, at = [], 0
        while at < len(data):
            (length,) = struct.unpack_from("<Q", data, at)
            records.append(data[at + 12 : at + 12 + length])
            at += 12 + length + 4
        return records
    # The first block has what the format puts before the data, the last one what it puts behind.
    return [data[at : at + 4096] for at in range(4096, len(data) - 8192, 4096)]


@pytest.mark.parametrize("object_type", ["RAW", "NPZ", "TFRECORD", "HDF5"])
def test_pieces_of_every_type_repeat_as_asked(directory: str, object_type: str) -> None:
    call("put", "-n", "4", "-s", "4000000", "-o", object_type, "-d", "4", directory)

    pieces = [piece for data in content(directory) for piece in repeated(object_type, data)]
    hashes = {hashlib.sha256(piece).digest() for piece in pieces}
    assert 3.7 < len(pieces) / len(hashes) < 4.1


@pytest.mark.parametrize(
    ("flags", "word"),
    [
        (["-o", "NPZ", "-s", "220"], "221"),
        (["-d", "0"], "dedup"),
        (["-x", "0.5"], "0.5"),
        (["-o", "PICKLE"], "TFRECORD"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_made_is_2(directory: str, flags: list[str], word: str) -> None:
    done = call("put", *flags, directory, code=2)

    assert word in done.err
    assert content(directory) == []

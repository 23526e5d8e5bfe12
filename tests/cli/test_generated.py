from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import numpy as np
import pytest

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

"""Generated objects as the frameworks read them whose formats they have."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest

import s3dlio as s3

if TYPE_CHECKING:
    from pathlib import Path

SIZES = [300, 4096, 65_535, 65_536, 65_578, (17 << 20) + 5]


@pytest.fixture(scope="module")
def tf() -> ModuleType:
    """TensorFlow, which every Python must have but those it has no wheels for."""
    if sys.version_info >= (3, 14):
        pytest.skip("TensorFlow 2.21 has no wheels for this Python")
    import tensorflow as module  # noqa: ICN001, PLC0415 - not there for every Python

    assert isinstance(module, ModuleType)
    return module


def made(directory: Path, object_type: str, size: int) -> Path:
    """Generate one object and return its path."""
    s3.generate(f"file://{directory}/", size=size, object_type=object_type, template="k", seed=1)
    path = directory / "k"
    assert path.stat().st_size == size
    return path


@pytest.mark.parametrize("size", SIZES)
def test_tensorflow_reads_every_record(tf: ModuleType, tmp_path: Path, size: int) -> None:
    path = made(tmp_path, "TFRECORD", size)

    feature = {"data": tf.io.FixedLenFeature([], tf.string)}
    records = list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator())
    examples = [tf.train.Example.FromString(record) for record in records]
    slow = [example.features.feature["data"].bytes_list.value[0] for example in examples]
    fast = [tf.io.parse_single_example(record, feature)["data"].numpy() for record in records]

    assert slow == fast
    assert sum(map(len, slow)) == size - 42 * len(slow)
    stored = path.read_bytes()
    assert all(stored.count(payload) == 1 for payload in slow)


def test_tensorflow_sees_a_damaged_record(tf: ModuleType, tmp_path: Path) -> None:
    path = made(tmp_path, "TFRECORD", 300)
    damaged = bytearray(path.read_bytes())
    damaged[150] ^= 1
    path.write_bytes(damaged)

    with pytest.raises(tf.errors.DataLossError):
        list(tf.data.TFRecordDataset(str(path)))


@pytest.mark.parametrize("size", [193, *SIZES])
def test_h5py_reads_the_whole_array(tmp_path: Path, size: int) -> None:
    path = made(tmp_path, "HDF5", size)

    with h5py.File(path) as file:
        assert list(file) == ["data"]
        data = file["data"]
        offset = data.id.get_offset()
        array = data[:]
        assert (data.dtype, data.chunks, data.compression) == (np.uint8, None, None)

    assert offset == (192 if size < 65_536 else 4096)
    assert array.shape == (size - offset,)
    assert array.tobytes() == path.read_bytes()[offset:]


@pytest.mark.parametrize("at", [20, 60, 130])
def test_h5py_sees_a_damaged_structure(tmp_path: Path, at: int) -> None:
    path = made(tmp_path, "HDF5", 300)
    damaged = bytearray(path.read_bytes())
    damaged[at] ^= 1
    path.write_bytes(damaged)

    with pytest.raises((OSError, KeyError)), h5py.File(path) as file:
        file["data"][:]

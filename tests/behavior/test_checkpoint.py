"""The checkpoint store: what is loaded is what was saved, or an error, on every scheme."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import numpy as np
import pytest
import zstandard

import s3dlio as s3

if TYPE_CHECKING:
    from behavior.place import Place

LEVELS = (None, 1, 3, 10, 21)


def data_key(place: Place) -> str:
    """The one object below the shard's name that is no record."""
    (key,) = (name for name in place.names() if not name.endswith(".json"))
    return key


def test_the_documented_sample_runs_unchanged(place: Place) -> None:
    store = s3.CheckpointStore(
        place.uri("checkpoints/"), compression_level=10, options=place.options
    )
    data = np.random.rand(1000, 1000).astype(np.float32)  # noqa: NPY002 - the sample, as it is

    store.put_shard("model_weights", 0, data.tobytes())
    loaded_data = store.get_shard("model_weights", 0)
    loaded_array = np.frombuffer(loaded_data, dtype=np.float32).reshape(1000, 1000)  # type: ignore[call-overload] # numpy lists the types it knows

    assert np.array_equal(loaded_array, data)
    key = data_key(place)
    assert key.startswith("checkpoints/model_weights/shard-00000.")
    assert key.endswith(".bin.zst")
    stored = place.get(key).tobytes()
    with zstandard.ZstdDecompressor().stream_reader(stored, read_across_frames=True) as frames:
        assert frames.read() == data.tobytes()


def test_the_zstd_command_accepts_what_is_stored(place: Place) -> None:
    zstd = shutil.which("zstd")
    if zstd is None:
        pytest.skip("no zstd command is installed; the library of the other cases is the same code")
    for level in (1, 10):
        store = s3.CheckpointStore(place.base, compression_level=level, options=place.options)
        store.put_shard("w", 0, bytes(range(256)) * 100_000)
        stored = place.get(data_key(place)).tobytes()
        subprocess.run([zstd, "-t", "-"], input=stored, check=True, capture_output=True)


@pytest.mark.parametrize("level", LEVELS)
def test_every_level_round_trips(place: Place, level: int | None) -> None:
    store = s3.CheckpointStore(place.base, compression_level=level, options=place.options)
    rng = np.random.default_rng(1)
    for count in (0, 1, 1000, 5_000_001):
        array = rng.standard_normal(count).astype(np.float32)
        store.put_shard("weights/layer.0", 7, array)
        assert store.get_shard("weights/layer.0", 7) == array.tobytes()
    assert len(place.names()) == 2, "a replaced shard leaves nothing behind"
    assert any(name.endswith("/shard-00007.json") for name in place.names())


def test_a_flipped_byte_is_never_loaded(place: Place) -> None:
    for level in (None, 3):
        store = s3.CheckpointStore(place.base, compression_level=level, options=place.options)
        store.put_shard("w", 0, b"0123456789" * 1000)
        for key in place.names():
            whole = place.get(key).tobytes()
            for at in range(0, len(whole), max(1, len(whole) // 16)):
                place.put(key, whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
                with pytest.raises(s3.CheckpointCorruptError) as caught:
                    store.get_shard("w", 0)
                assert isinstance(caught.value, s3.IntegrityError)
            for damaged in (whole[:-1], whole + b"x", b""):
                place.put(key, damaged)
                with pytest.raises(s3.CheckpointCorruptError):
                    store.get_shard("w", 0)
            place.put(key, whole)
        assert store.get_shard("w", 0) == b"0123456789" * 1000


def test_the_record_tells_sizes_and_checksums(place: Place) -> None:
    store = s3.CheckpointStore(place.base, options=place.options)
    store.put_shard("w", 3, bytes(1_000_000))

    (record,) = (name for name in place.names() if name.endswith(".json"))
    fields = json.loads(place.get(record).tobytes())

    assert fields["raw_size"] == 1_000_000
    assert fields["stored_size"] == len(place.get(data_key(place))) < 1000


def test_a_missing_shard_is_not_found(place: Place) -> None:
    store = s3.CheckpointStore(place.base, options=place.options)
    with pytest.raises(s3.NotFoundError) as caught:
        store.get_shard("never_saved", 0)
    assert "never_saved" in str(caught.value)


@pytest.mark.parametrize("name", ["", "/a", "a/", "a//b", ".", "..", "a/../b", "a b", "ä"])
def test_a_bad_name_is_refused(name: str) -> None:
    with pytest.raises(s3.InvalidInputError):
        s3.CheckpointStore("memory://m/").put_shard(name, 0, b"x")

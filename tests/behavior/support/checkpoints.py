"""Checkpoint shards: what is loaded is what was saved, compressed or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import s3dlio as s3
from behavior.support.rows import Section

if TYPE_CHECKING:
    from behavior.place import Place
    from behavior.support.faces import Python

SECTION = Section("Checkpoints")
WEIGHTS = np.arange(250_000, dtype=np.float32)
LEVELS = (None, 3)


def store(place: Place, level: int | None) -> s3.CheckpointStore:
    """A store of its own for each level."""
    return s3.CheckpointStore(
        place.uri(f"level-{level}"), compression_level=level, options=place.options
    )


@SECTION.python("save a shard", "CheckpointStore.put_shard")
def put_shard(do: Python) -> None:
    for level in LEVELS:
        report = do(store(do.place, level), "weights", 3, WEIGHTS)

        sizes = [len(do.place.get(name)) for name in do.place.names() if f"-{level}/" in name]
        assert report.stored_size in sizes
        assert (report.ratio < 1) == (level is not None)
        assert store(do.place, level).get_shard("weights", 3) == WEIGHTS.tobytes()


@SECTION.python("load a shard", "CheckpointStore.get_shard")
def get_shard(do: Python) -> None:
    for level in LEVELS:
        store(do.place, level).put_shard("weights", 3, WEIGHTS)

        assert do(store(do.place, level), "weights", 3) == WEIGHTS.tobytes()

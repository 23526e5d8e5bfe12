"""The bytes that are moved: the same in every process, other ones in every object."""

from __future__ import annotations

import random
from functools import cache

PIECE = 8 << 20
SHIFTS = 4096


@cache
def _block(size: int) -> bytes:
    return random.Random(size).randbytes(size)  # noqa: S311 - no secret


def body(kind: str, index: int, size: int) -> bytes:
    """The object of that index: random bytes, or weights as float32."""
    if kind == "float32":
        import numpy as np  # noqa: PLC0415 - only this library's checkpoints are measured so

        generator = np.random.default_rng(index)
        return generator.standard_normal(size // 4, dtype=np.float32).tobytes()
    piece = min(size, PIECE)
    block = _block(piece + SHIFTS)
    starts = [(index * 67 + part * 61) % SHIFTS for part in range(-(-size // piece))]
    return b"".join(block[start : start + piece] for start in starts)[:size]

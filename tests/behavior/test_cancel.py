"""A thousand transfers are cancelled at random moments while their memory is overwritten.

Two hundred on each back end, half of them reads into the caller's memory, half puts from it.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import numpy as np
import pytest

import s3dlio as s3
from behavior.place import PART

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from behavior.place import Place

TRANSFERS = 100
SIZE = 2 * PART + 11
OVERWRITTEN = b"\xee"


async def cancel_after(transfer: Coroutine[object, object, object], seconds: float) -> bool:
    """Start ``transfer``, cancel it when the time is up; whether it was under way by then."""
    task = asyncio.ensure_future(transfer)
    await asyncio.wait([task], timeout=seconds)
    under_way = not task.done()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    return under_way


def test_no_cancelled_read_writes_into_the_callers_memory(place: Place) -> None:
    uri = place.uri("object")
    place.put("object", b"\xaa" * SIZE)
    target = bytearray(SIZE)
    mark = OVERWRITTEN * SIZE
    moments = np.random.default_rng(11)

    async def work() -> int:
        count = 0
        for _ in range(TRANSFERS):
            reading = s3.read_into_async(uri, target, options=place.options)
            count += await cancel_after(reading, moments.uniform(0, 0.008))
            target[:] = mark
            await asyncio.sleep(0)
            assert target == mark, "a write landed after the cancel"
        return count

    count = asyncio.run(work())

    print(f"{count} of {TRANSFERS} reads were cancelled under way")
    assert count > 0
    assert target == mark


def test_no_cancelled_put_stores_what_was_written_over_its_memory(place: Place) -> None:
    if place.target == "memory":
        pytest.skip("it keeps the caller's memory itself, and so what is written over it")
    uri = place.uri("object")
    bodies = [bytes([letter]) * SIZE for letter in b"abc"]
    moments = np.random.default_rng(12)

    async def work() -> int:
        count = 0
        for index in range(TRANSFERS):
            memory = bytearray(bodies[index % len(bodies)])
            putting = s3.put_async(uri, memory, options=place.options)
            count += await cancel_after(putting, moments.uniform(0, 0.06))
            memory[:] = OVERWRITTEN * SIZE
            with contextlib.suppress(s3.NotFoundError, s3.PreconditionError):
                assert (await s3.get_async(uri, options=place.options)).tobytes() in bodies
        return count

    count = asyncio.run(work())

    print(f"{count} of {TRANSFERS} puts were cancelled under way")
    assert count > 0

"""A thousand transfers are cancelled at random moments while their memory is overwritten.

A hundred reads into the caller's memory on each of five back ends, and five hundred puts from it on
the four that do not keep it themselves.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

import s3dlio as s3
from behavior.place import PART

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from behavior.place import Place

    Transfer = Coroutine[object, object, object]

READS = 100
PUTS = {"file": 150, "direct": 150, "minio": 150, "azurite": 50}
"""The emulator is slow."""
LEAST = 20
"""Fewer that were really under way prove nothing."""
DESTINATIONS = 8
SIZE = 2 * PART + 11
PUT_SIZE = PART + 4096
OVERWRITTEN = b"\xee"


async def shortest(transfer: Callable[[], Transfer]) -> float:
    """How long it takes at best, in seconds: one that is cancelled within it is under way."""
    times = []
    for _ in range(5):
        began = time.perf_counter()
        await transfer()
        times.append(time.perf_counter() - began)
    return min(times)


async def cancel_after(transfer: Transfer, seconds: float) -> bool:
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
    mark = OVERWRITTEN * SIZE
    # Each is left alone while seven others are read into, and looked at again after that.
    targets = [bytearray(mark) for _ in range(DESTINATIONS)]
    moments = np.random.default_rng(11)

    async def work() -> int:
        usual = await shortest(
            lambda: s3.read_into_async(uri, bytearray(SIZE), options=place.options)
        )
        count = 0
        for index in range(READS):
            target = targets[index % DESTINATIONS]
            assert target == mark, "a write landed long after the cancel"
            reading = s3.read_into_async(uri, target, options=place.options)
            count += await cancel_after(reading, moments.uniform(0, usual))
            target[:] = mark
            await asyncio.sleep(0)
            assert target == mark, "a write landed after the cancel"
        print(f"{count} of {READS} reads were cancelled under way, within {usual:.4f} s each")
        return count

    count = asyncio.run(work())

    assert count >= LEAST
    assert place.get("object") == b"\xaa" * SIZE
    assert all(target == mark for target in targets), "a write landed at last"


def test_no_cancelled_put_stores_what_was_written_over_its_memory(place: Place) -> None:
    if place.target == "memory":
        pytest.skip("it keeps the caller's memory itself, and so what is written over it")
    uri = place.uri("object")
    puts = PUTS[place.target]
    bodies = [bytes([letter]) * PUT_SIZE for letter in b"abc"]
    moments = np.random.default_rng(12)

    async def work() -> int:
        usual = await shortest(lambda: s3.put_async(uri, bodies[0], options=place.options))
        count = 0
        for index in range(puts):
            memory = bytearray(bodies[index % len(bodies)])
            putting = s3.put_async(uri, memory, options=place.options)
            count += await cancel_after(putting, moments.uniform(0, usual))
            memory[:] = OVERWRITTEN * PUT_SIZE
            with contextlib.suppress(s3.NotFoundError, s3.PreconditionError):
                assert (await s3.get_async(uri, options=place.options)).tobytes() in bodies
        print(f"{count} of {puts} puts were cancelled under way, within {usual:.4f} s each")
        return count

    count = asyncio.run(work())

    assert count >= LEAST

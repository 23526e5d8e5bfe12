"""The `_async` twins: any loop, any number at once, cancelled for good."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

import s3dlio as s3
from python.stalling import HALF, SIZE, Server

if TYPE_CHECKING:
    from collections.abc import Iterator

BASE = "memory://asyncio/"
URI = BASE + "k"


@pytest.fixture(autouse=True)
def _bucket() -> Iterator[None]:
    s3.create_bucket(BASE)
    yield
    s3.delete(BASE)
    s3.delete_bucket(BASE)


def test_a_twin_is_a_coroutine() -> None:
    s3.put(URI, b"abc")

    assert asyncio.run(s3.get_async(URI)) == b"abc"

    async def work() -> None:
        task = asyncio.create_task(s3.get_async(URI))
        assert await task == b"abc"
        async with asyncio.timeout(30), asyncio.TaskGroup() as group:
            for _ in range(10):
                group.create_task(s3.exists_async(URI))

    asyncio.run(work())


def test_errors_come_when_awaited() -> None:
    async def work() -> None:
        for call, kind in (
            (s3.get_async(BASE + "missing"), s3.NotFoundError),
            (s3.get_async("gs://b/k"), s3.InvalidInputError),
            (s3.put_async(URI, 5), TypeError),  # type: ignore[arg-type]
        ):
            with pytest.raises(kind):
                await call

    asyncio.run(work())


def test_without_a_loop_it_says_so() -> None:
    call = s3.get_async(URI)

    with pytest.raises(RuntimeError, match="no running event loop"):
        call.send(None)


def test_thousands_at_once() -> None:
    async def work() -> None:
        uris = [f"{BASE}{i}" for i in range(2000)]
        await asyncio.gather(*(s3.put_async(uri, uri.encode()) for uri in uris))
        got = await asyncio.gather(*(s3.get_async(uri) for uri in uris))
        assert [data.tobytes() for data in got] == [uri.encode() for uri in uris]

    asyncio.run(work())


def test_many_loops_at_once() -> None:
    s3.put(URI, b"abc")
    failures: list[BaseException] = []

    def loop() -> None:
        async def work() -> None:
            for _ in range(100):
                assert await s3.get_async(URI) == b"abc"

        try:
            asyncio.run(work())
        except BaseException as failure:  # noqa: BLE001 - shown below
            failures.append(failure)

    threads = [threading.Thread(target=loop) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []


def test_context_variables_are_kept() -> None:
    variable: contextvars.ContextVar[int] = contextvars.ContextVar("variable")

    async def work() -> int:
        variable.set(7)
        await s3.exists_async(URI)
        return variable.get()

    assert asyncio.run(work()) == 7


def test_a_loop_that_is_gone_does_no_harm() -> None:
    data = bytes(1 << 20)
    before = sys.getrefcount(data)

    async def leave() -> None:
        tasks = [asyncio.ensure_future(s3.put_async(URI, data)) for _ in range(100)]
        await asyncio.sleep(0)
        assert not all(task.done() for task in tasks)

    asyncio.run(leave())
    s3.delete(URI)
    gc.collect()

    end = time.monotonic() + 30
    while sys.getrefcount(data) != before:
        assert time.monotonic() < end, "the memory was not given back"
        s3.delete(URI)
        time.sleep(0.001)


def test_cancelling_stops_the_transfer() -> None:
    with Server() as server:

        async def work() -> float:
            task = asyncio.create_task(s3.get_async("s3://bucket/key", options=server.options))
            await asyncio.to_thread(server.half_sent.wait)
            start = time.monotonic()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return time.monotonic() - start

        took = asyncio.run(work())
        server.resume()

    print(f"cancelled in {took * 1e3:.1f} ms")
    assert took < 10


def test_a_timeout_is_a_cancel() -> None:
    async def work(server: Server) -> None:
        async with asyncio.timeout(0.2):
            await s3.get_async("s3://bucket/key", options=server.options)

    with Server() as server, pytest.raises(TimeoutError):
        asyncio.run(work(server))


def test_no_write_lands_after_a_cancel() -> None:
    target = bytearray(SIZE)
    with Server() as server:

        async def work() -> None:
            reading = s3.read_into_async("s3://bucket/key", target, options=server.options)
            task = asyncio.create_task(reading)
            await asyncio.to_thread(server.half_sent.wait)
            await asyncio.to_thread(_until_half_is_there, target)
            task.cancel()
            # A second cancel must not make it return early.
            asyncio.get_running_loop().call_soon(task.cancel)
            with pytest.raises(asyncio.CancelledError):
                await task
            target.append(0)  # Nobody holds the memory any more.
            target[:] = bytes(SIZE)

        asyncio.run(work())
        server.resume()

    assert target == bytes(SIZE)


def test_no_write_lands_after_a_cancel_of_many() -> None:
    target = bytearray(SIZE)
    view = memoryview(target)
    with Server() as server:

        async def work() -> None:
            # Two ranges of one request, which a whole object read by itself is not.
            reads = [("s3://bucket/key", 0, view[:HALF]), ("s3://bucket/key", HALF, view[HALF:])]
            reading = s3.read_into_many_async(reads, options=server.options)
            task = asyncio.create_task(reading)
            await asyncio.to_thread(server.half_sent.wait)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(work())
        view.release()
        target[:] = bytes(SIZE)
        target.append(0)  # Nobody holds the memory any more.
        server.resume()

    assert target == bytes(SIZE + 1)


def test_an_iterator_that_is_left_or_cancelled_stops() -> None:
    with Server() as server:
        uris = ["memory://asyncio/k", "s3://bucket/key"]

        async def left() -> None:
            reads = s3.iter_many_async(["s3://bucket/key"], options=server.options)
            task = asyncio.ensure_future(anext(reads))
            await asyncio.to_thread(server.half_sent.wait)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            with pytest.raises(StopAsyncIteration):
                await anext(reads)

        asyncio.run(left())
        server.resume()

    s3.put(URI, b"abc")

    async def broken() -> None:
        async for index, data in s3.iter_many_async(uris[:1] * 100, ordered=True):
            assert data == b"abc"
            if index == 3:
                break

    asyncio.run(broken())


def test_a_finished_read_into_is_not_undone_by_a_late_cancel() -> None:
    s3.put(URI, b"abc")
    target = bytearray(3)

    async def work() -> None:
        task = asyncio.create_task(s3.read_into_async(URI, target))
        await task
        assert not task.cancel()

    asyncio.run(work())

    assert target == b"abc"


def _until_half_is_there(target: bytearray) -> None:
    end = time.monotonic() + 30
    while target[HALF // 2] != ord("x"):
        assert time.monotonic() < end, "nothing was read"
        time.sleep(0.001)

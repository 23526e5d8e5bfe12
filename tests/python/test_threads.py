"""The interpreter is free while data moves."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import s3dlio as s3
from python.child import run
from python.stalling import SIZE, Server

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

import pytest


@pytest.mark.parametrize(
    "call",
    [
        lambda server: s3.get("s3://bucket/key", options=server.options),
        lambda server: s3.read_into("s3://bucket/key", bytearray(SIZE), options=server.options),
        lambda server: s3.get_many(["s3://bucket/key"], options=server.options),
        lambda server: s3.get_many_stats(["s3://bucket/key"], options=server.options),
    ],
    ids=["get", "read_into", "get_many", "get_many_stats"],
)
def test_other_threads_run_during_a_call(call: Callable[[Server], object]) -> None:
    with Server() as server, ThreadPoolExecutor() as threads:
        result = threads.submit(call, server)
        assert server.half_sent.wait(60)

        # The call is under way and waits for the server, which waits for this thread.
        assert not result.done()
        server.resume_later()

        assert result.result(60)


def test_sixty_four_threads_of_mixed_verbs() -> None:
    base = "memory://threads/"
    s3.create_bucket(base)
    start = threading.Barrier(64)

    def work(number: int) -> None:
        start.wait()
        uri = f"{base}{number}"
        for turn in range(20):
            data = bytes([number, turn]) * 1000
            s3.put(uri, data)
            assert s3.get(uri) == data
            assert s3.exists(uri)
            assert s3.get_many([uri, uri])[1][1] == data
            assert len(s3.list(base)) >= 1
            target = bytearray(len(data))
            s3.read_into(uri, target)
            assert target == data

    begin = time.monotonic()
    with ThreadPoolExecutor(64) as threads:
        list(threads.map(work, range(64)))

    print(f"{time.monotonic() - begin:.1f} s")
    assert s3.delete(base) == 64
    s3.delete_bucket(base)


def test_many_small_files_take_a_bounded_number_of_threads(tmp_path: Path) -> None:
    printed = run(
        """
import sys
from pathlib import Path
import s3dlio as s3

base = Path(sys.argv[1])
uris = [f"file://{base / str(number)}" for number in range(1000)]
for uri in uris:
    Path(uri.removeprefix("file://")).write_bytes(bytes(4096))
for _ in range(3):
    assert len(s3.get_many(uris)) == len(uris)
status = Path("/proc/self/status").read_text()
print(next(line.split()[1] for line in status.splitlines() if line.startswith("Threads:")))
""",
        str(tmp_path),
    )

    others = (os.cpu_count() or 1) + 8
    assert int(printed) <= 128 + others

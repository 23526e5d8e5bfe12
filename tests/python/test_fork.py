"""A forked child works with a runtime of its own, whatever its parent was doing."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

import s3dlio as s3
from python.child import run

if TYPE_CHECKING:
    from pathlib import Path

# Python 3.12 and later warn of forks in programs with threads; that is what is tested here.
FLAGS = ("-W", "ignore::DeprecationWarning")

REAP = """
import os, sys, time
import s3dlio as s3

def in_child(work):
    pid = os.fork()
    if pid:
        return pid
    try:
        work()
        os._exit(0)
    except BaseException:
        import traceback
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)

def reap(pid, deadline=30):
    end = time.monotonic() + deadline
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            assert status == 0, status
            return
        if time.monotonic() > end:
            os.kill(pid, 9)
            raise SystemExit("the child hangs")
        time.sleep(0.002)
"""


@pytest.fixture
def base(tmp_path: Path) -> str:
    base = f"file://{tmp_path}/{secrets.token_hex(4)}/"
    s3.put(base + "k", b"from the parent")
    return base


def test_both_sides_go_on_after_a_fork(base: str) -> None:
    run(
        REAP
        + """
base = sys.argv[1]
store = s3.CheckpointStore(base + "run")
buffer = s3.get(base + "k")
def work():
    assert s3.get(base + "k") == buffer == b"from the parent"
    s3.put(base + "c", b"from the child")
    store.put_shard("w", 0, b"shard")
    s3.get_many([base + "k"] * 10)
    # A grandchild, for good measure.
    reap(in_child(lambda: s3.get(base + "c")))
reap(in_child(work))
assert s3.get(base + "c") == b"from the child"
assert store.get_shard("w", 0) == b"shard"
""",
        base,
        flags=FLAGS,
    )


def test_a_child_forgets_what_its_parent_was_doing(base: str) -> None:
    run(
        REAP
        + """
import threading
base = sys.argv[1]
stop = threading.Event()
def traffic(number):
    data = bytes(100_000)
    while not stop.is_set():
        s3.put(f"{base}{number}", data)
        s3.get_many([f"{base}{number}"] * 4)
        s3.get_many_stats([base + "k"], options={"part_size": 5 << 20 | number})
threads = [threading.Thread(target=traffic, args=(n,)) for n in range(8)]
for thread in threads:
    thread.start()
s3.init_logging("error")
def work():
    for turn in range(3):
        assert s3.get(base + "k") == b"from the parent"
        s3.put(f"{base}child", bytes(200_000))
        assert s3.list(base)
for _ in range(60):
    reap(in_child(work))
stop.set()
for thread in threads:
    thread.join()
""",
        base,
        deadline=120,
        flags=FLAGS,
    )


def test_buffers_of_the_parent_live_on_in_the_child(base: str) -> None:
    run(
        REAP
        + """
base = sys.argv[1]
s3.put(base + "large", bytes(8 << 20))
large, small = s3.get(base + "large"), s3.get(base + "k")
lent = bytearray(100)
s3.create_bucket("memory://lent/")
s3.put("memory://lent/k", lent)
def work():
    global large, small
    memoryview(large)[0] = 1
    assert large[0] == 1 and large.crc32c()
    del large, small
    for _ in range(3):
        assert len(s3.get(base + "large")) == 8 << 20
reap(in_child(work))
assert large[0] == 0
assert len(s3.get(base + "large")) == 8 << 20
""",
        base,
        flags=FLAGS,
    )


def test_a_child_has_a_copy_of_what_is_in_memory() -> None:
    run(
        REAP
        + """
import threading
KEY = "memory://copied/k"
s3.create_bucket("memory://copied/")
s3.put(KEY, b"parent")
def busy():
    while True:
        s3.put(KEY + "2", bytes(100))
for _ in range(4):
    threading.Thread(target=busy, daemon=True).start()
def work():
    assert s3.get(KEY) == b"parent"
    s3.put(KEY, b"child")
    assert s3.get(KEY, options={"part_size": "1 MiB"}) == b"child"
for _ in range(20):
    reap(in_child(work))
assert s3.get(KEY) == b"parent"
""",
        deadline=120,
        flags=FLAGS,
    )


def test_names_that_must_be_new_are_new_in_every_child(base: str) -> None:
    printed = run(
        REAP
        + """
store = s3.CheckpointStore(sys.argv[1] + "run", compression_level=None)
def save():
    for _ in range(3):
        print(store.put_shard("w", 0, b"x").uri, flush=True)
save()
for _ in range(4):
    reap(in_child(save))
save()
""",
        base,
        flags=FLAGS,
    )

    names = printed.split()
    assert len(names) == len(set(names)) == 18


def test_asyncio_works_in_the_child_of_an_asyncio_program(base: str) -> None:
    run(
        REAP
        + """
import asyncio
base = sys.argv[1]
async def reads():
    got = await asyncio.gather(*(s3.get_async(base + "k") for _ in range(50)))
    assert all(data == b"from the parent" for data in got)
def work():
    asyncio.run(reads())
asyncio.run(reads())
reap(in_child(work))
asyncio.run(reads())
""",
        base,
        flags=FLAGS,
    )


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_workers_of_every_kind(base: str, method: str, tmp_path: Path) -> None:
    script = tmp_path / "workers.py"
    script.write_text(
        """
import multiprocessing, sys
import s3dlio as s3

def work(task):
    uri, options, number = task
    s3.put(f"{uri}-{number}", str(number).encode(), options=options)
    try:
        s3.get(uri + "-missing", options=options)
    except s3.NotFoundError as error:
        return s3.get(uri).tobytes(), error, s3.put(uri + "-x", b"")

if __name__ == "__main__":
    method, uri = sys.argv[1:]
    s3.get(uri)
    options = s3.Options(durable=False)
    tasks = [(uri, options, number) for number in range(40)]
    with multiprocessing.get_context(method).Pool(4) as pool:
        results = pool.map_async(work, tasks).get(60)
    for data, error, result in results:
        assert data == b"from the parent"
        assert isinstance(error, FileNotFoundError) and error.errno == 2 and error.op == "get"
        assert result.size == 0
    assert len(s3.list(uri.rpartition("/")[0] + "/")) == 42
"""
    )

    run(
        f"import runpy, sys; runpy.run_path({str(script)!r}, run_name='__main__')"
        if method == "fork"
        else _as_main(script),
        method,
        base + "k",
        deadline=120,
        flags=FLAGS,
    )


def _as_main(script: Path) -> str:
    """A program whose main module has a path, by which spawn and forkserver import it."""
    return (
        "import subprocess, sys; "
        f"sys.exit(subprocess.call([sys.executable, {str(script)!r}, *sys.argv[1:]]))"
    )

"""The interpreter leaves in good order while data still moves."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING

import pytest

import s3dlio as s3
import testserver
from python.child import DEADLINE, program, run
from python.stalling import Server

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROMISE = 5.0
"""Seconds from the end of the program to that of the process; ten times that is a failure."""

PROLOGUE = """
import ast, asyncio, atexit, os, sys, threading, time
import s3dlio as s3

URI, KEY = "s3://bucket/key", "memory://exit/k"
options = ast.literal_eval(sys.argv[1])
s3.create_bucket("memory://exit/")
s3.put(KEY, bytes(1 << 20))

def busy():
    while True:
        s3.get_many_stats([KEY] * 100)

def many(target, count=8):
    started = threading.Barrier(count + 1)
    def work():
        started.wait()
        target()
    for _ in range(count):
        threading.Thread(target=work, daemon=True).start()
    started.wait()
"""

EPILOGUE = """
print("leaves", time.monotonic(), flush=True)
"""

ENDS = {
    "idle": "",
    "waiting threads": "many(lambda: s3.get(URI, options=options))",
    "working threads": "many(busy)",
    "read_into in a thread": """
target = bytearray(1 << 20)
many(lambda: s3.read_into(URI, target, options=options), 1)
while not target[1000]:
    time.sleep(0.001)
""",
    "a loop that was left": """
loop = asyncio.new_event_loop()
async def work():
    global tasks
    tasks = [loop.create_task(s3.get_async(URI, options=options)) for _ in range(8)]
    tasks += [loop.create_task(s3.put_async(KEY, bytes(9))) for _ in range(99)]
    await asyncio.sleep(0)
loop.run_until_complete(work())
""",
    "loops in threads": """
async def work():
    while True:
        await asyncio.gather(*(s3.get_async(KEY) for _ in range(50)))
many(lambda: asyncio.run(work()), 4)
""",
    "an exit handler that saves": r"""
def save():
    s3.put(KEY, b"last words")
    assert s3.get(KEY) == b"last words"
    os.write(1, b"saved\n")
atexit.register(save)
many(busy)
""",
    "an exit handler that runs after ours": """
many(busy)
""",
    "lent memory": """
lent = bytearray(1 << 20)
s3.put(KEY, lent)
buffer = s3.get(KEY)
view = memoryview(buffer)
""",
    "a reference cycle": """
class Node: ...
node = Node()
node.itself, node.buffer = node, s3.get(KEY)
del node
""",
}

# Registered before the package is imported, so Python runs it after the package's own.
LATE = r"""
import atexit, os
def late():
    import s3dlio as s3
    s3.create_bucket("memory://late/")
    s3.put("memory://late/k", b"x")
    assert s3.get("memory://late/k") == b"x"
    os.write(1, b"saved\n")
atexit.register(late)
"""


@pytest.mark.parametrize("end", ENDS)
def test_the_interpreter_exits_in_time(end: str) -> None:
    late = LATE if "after ours" in end else ""
    with Server() as server:
        output = run(
            late + PROLOGUE + ENDS[end] + EPILOGUE, repr(server.options), flags=("-X", "dev")
        )
        now = time.monotonic()

    (line,) = (line for line in output.splitlines() if line.startswith("leaves"))
    took = now - float(line.split()[1])
    print(f"{end}: {took:.2f} s")
    assert took < 10 * PROMISE
    assert ("saved" in output) == ("exit handler" in end)


@pytest.mark.parametrize("call", ["s3.get(uri, **how)", "s3.put(uri, bytearray(9), **how)"])
def test_a_finalizer_of_an_interpreter_that_is_gone_may_call(call: str) -> None:
    # The retries take longer than a call waits before it looks for signals.
    code = f"""
    import sys
    import s3dlio as s3

    options = dict(endpoint_url="http://127.0.0.1:1", access_key_id="a", secret_access_key="b",
                   region="us-east-1", max_attempts=3)
    class Last:
        def __del__(self, s3=s3, uri="s3://bucket/key", how=dict(options=options), print=print):
            try:
                {call}
            except s3.ConnectionFailedError:
                print("refused", flush=True)
    sys.modules["last"] = Last()
    """

    done = subprocess.run(
        program(code), capture_output=True, text=True, timeout=DEADLINE, check=False
    )

    assert done.returncode == 0
    assert done.stdout == "refused\n", done.stderr
    assert "panicked" not in done.stderr


UNDER_WAY = """
import ast, os, signal, sys, threading
import s3dlio as s3

uri, options = sys.argv[1], ast.literal_eval(sys.argv[2])
threading.Thread(target=lambda: (input(), os.kill(os.getpid(), signal.SIGINT)), daemon=True).start()
s3.put(uri, bytes(64 << 20), options=options)
"""


def _interrupted(uri: str, options: dict[str, object]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        program(UNDER_WAY, [uri, repr(options)]),
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_program_that_is_interrupted_takes_its_upload_back() -> None:
    with testserver.running() as server:
        s3.create_bucket("s3://bucket/", options=server.options)
        server.fault({"do": "stall"}, op="UploadPart")

        with _interrupted("s3://bucket/large", server.options) as child:
            _until(lambda: bool(server.requests("UploadPart")))
            _, errors = child.communicate("\n", timeout=DEADLINE)

        assert "KeyboardInterrupt" in errors
        assert len(server.requests("AbortMultipartUpload")) == 1
        assert not s3.exists("s3://bucket/large", options=server.options)


def test_a_program_that_is_interrupted_leaves_no_file(tmp_path: Path) -> None:
    with _interrupted(f"file://{tmp_path}/large", {"part_size": 1 << 20}) as child:
        _until(lambda: any(tmp_path.iterdir()))
        _, errors = child.communicate("\n", timeout=DEADLINE)

    # Everything that was written, or nothing: it may have been done when the signal came.
    left = [(path.name, path.stat().st_size) for path in tmp_path.iterdir()]
    assert left in ([], [("large", 64 << 20)]), errors


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, "it never came so far"
        time.sleep(0.001)

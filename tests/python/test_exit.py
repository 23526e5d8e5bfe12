"""The interpreter leaves in good order while data still moves."""

from __future__ import annotations

import time

import pytest

from python.child import run
from python.stalling import Server

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

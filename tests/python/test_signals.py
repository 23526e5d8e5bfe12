"""Ctrl-C ends a blocking call at once, and the library works on."""

from __future__ import annotations

import signal
import subprocess
import time

import pytest

import s3dlio as s3
from python.child import DEADLINE, program
from python.stalling import HALF, SIZE, Server

PROMISE = 1.0
"""Seconds from the signal to the exception; ten times that is a failure."""

CALLS = {
    "get": "s3.get(URI, options=options)",
    "get_range": "s3.get_range(URI, 0, options=options)",
    "read_into": "s3.read_into(URI, memoryview(target), options=options)",
    "read_into_many": "s3.read_into_many([(URI, 0, memoryview(target)[:9]), "
    "(URI, 9, memoryview(target)[9:])], options=options)",
    "iter_many": "list(s3.iter_many([URI] * 3, options=options))",
    "open": "s3.open(URI, options=options).readinto(memoryview(target))",
    "get_many": "s3.get_many([URI] * 3, options=options)",
    "get_many_stats": "s3.get_many_stats([URI] * 3, options=options)",
    "put": "s3.put(URI, target, options=options)",
    "put_many": "s3.put_many(((URI, b'x') for _ in iter(int, 1)), options=options)",
    "put_vectored": "s3.put_vectored(URI, [target] * 2, options=options)",
    "write": "s3.open(URI, 'wb', options=options).close()",
    "stat": "s3.stat(URI, options=options)",
    "stat_many": "s3.stat_many([URI], options=options)",
    "list": "s3.list('s3://bucket/', options=options)",
    "scan": "next(s3.scan('s3://bucket/', options=options))",
    "delete_many": "s3.delete_many([URI], options=options)",
}

CHILD = """
import ast, signal, sys, time
import s3dlio as s3

URI = "s3://bucket/key"
options = ast.literal_eval(sys.argv[1])
target = bytearray({size})
at = []
def interrupt(*where):
    at.append(time.monotonic())
    signal.default_int_handler(*where)
signal.signal(signal.SIGINT, interrupt)
print("ready", flush=True)
try:
    {call}
except KeyboardInterrupt:
    print("took", time.monotonic() - at[0], flush=True)
target[:] = bytes({size})
s3.create_bucket("memory://after/")
s3.put("memory://after/k", b"usable")
print(s3.get("memory://after/k").tobytes().decode(), flush=True)
input()
assert target == bytes({size}), "a write landed after the call"
target.append(0)
print("clean", flush=True)
"""


@pytest.mark.parametrize("verb", CALLS)
def test_ctrl_c_ends_a_call(verb: str) -> None:
    code = CHILD.format(call=CALLS[verb], size=SIZE)
    # The head of an answer is all that these wait for.
    silent = verb in {"stat", "stat_many", "list", "scan", "delete_many", "write"}
    with Server(silent=silent) as server, _start(code, repr(server.options)) as child:
        assert child.stdout is not None
        assert child.stdin is not None
        assert child.stdout.readline() == "ready\n"
        assert server.half_sent.wait(DEADLINE)

        start = time.monotonic()
        child.send_signal(signal.SIGINT)
        word, _, took = child.stdout.readline().partition(" ")
        whole = time.monotonic() - start

        assert word == "took"
        print(f"{verb}: {float(took) * 1e3:.1f} ms after the handler, {whole * 1e3:.0f} ms in all")
        assert child.stdout.readline() == "usable\n"
        # What the server sends now must land nowhere.
        server.resume()
        child.stdin.write("\n")
        child.stdin.flush()
        assert child.stdout.readline() == "clean\n"
        assert child.wait(DEADLINE) == 0
        assert whole < 10 * PROMISE


def test_a_signal_handler_may_use_the_library() -> None:
    code = """
import ast, signal, sys
import s3dlio as s3

options = ast.literal_eval(sys.argv[1])
s3.create_bucket("memory://handler/")
class Preempted(Exception): ...
def save(*_):
    s3.put("memory://handler/state", b"saved")
    raise Preempted
signal.signal(signal.SIGTERM, save)
print("ready", flush=True)
try:
    s3.get("s3://bucket/key", options=options)
except Preempted:
    print(s3.get("memory://handler/state").tobytes().decode(), flush=True)
"""
    with Server() as server, _start(code, repr(server.options)) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        assert server.half_sent.wait(DEADLINE)

        child.send_signal(signal.SIGTERM)

        assert child.stdout.readline() == "saved\n"
        assert child.wait(DEADLINE) == 0


def test_a_handler_that_returns_lets_the_call_go_on() -> None:
    code = """
import ast, signal, sys
import s3dlio as s3

seen = []
signal.signal(signal.SIGUSR1, lambda *_: (seen.append(1), print("seen", flush=True)))
print("ready", flush=True)
data = s3.get("s3://bucket/key", options=ast.literal_eval(sys.argv[1]))
print(len(data), len(seen), flush=True)
"""
    with Server() as server, _start(code, repr(server.options)) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        assert server.half_sent.wait(DEADLINE)

        child.send_signal(signal.SIGUSR1)
        assert child.stdout.readline() == "seen\n"
        server.resume_later()

        assert child.stdout.readline() == f"{SIZE} 1\n"
        assert child.wait(DEADLINE) == 0


def test_half_an_object_is_what_these_tests_wait_for() -> None:
    with Server() as server:
        server.resume_later()

        assert s3.get("s3://bucket/key", options=server.options) == b"x" * (2 * HALF)


def _start(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        program(code, arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

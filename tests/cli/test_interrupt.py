from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from cli.program import path, start

# The promise is one second; a loaded machine gets ten times that.
DEADLINE_S = 10.0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_run(directory: str, number: signal.Signals, code: int) -> None:
    root = Path(directory.removeprefix("file://"))
    many = ("put", "-n", "10000000", "-s", "4096", directory)

    with start(*many, "--option", "durable=false") as run:
        while not any(root.iterdir()):
            assert run.poll() is None
        run.send_signal(number)
        began = time.monotonic()
        out, err = run.communicate(timeout=60)

    took = time.monotonic() - began
    print(f"ended in {took:.3f} s")
    assert (run.returncode, out) == (code, "")
    assert "interrupted" in err
    assert took < DEADLINE_S
    assert [path.name for path in root.iterdir() if path.name.startswith(".")] == []


def test_a_reader_that_never_reads_does_not_hold_us(directory: str) -> None:
    root = Path(directory.removeprefix("file://"))
    for number in range(3000):
        (root / f"{number:0100}").touch()

    with start("list", directory) as run:
        assert run.stdout is not None
        run.stdout.read(1)
        run.send_signal(signal.SIGINT)
        assert run.wait(timeout=60) == 130


IMPORTED_BY_THE_PACKAGE = """
import signal
print("importing", flush=True)
signal.pause()
"""


@pytest.mark.skipif("S3DLIO_CLI" in os.environ, reason="the binary imports nothing")
def test_a_signal_during_the_imports_ends_them_quietly(tmp_path: Path) -> None:
    (tmp_path / "dataclasses.py").write_text(IMPORTED_BY_THE_PACKAGE, encoding="utf-8")

    with start("--version", env={**os.environ, "PYTHONPATH": str(tmp_path)}) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "importing\n"
        run.send_signal(signal.SIGINT)
        _, err = run.communicate(timeout=60)

    # A shell shows that as 130.
    assert (run.returncode, err) == (-signal.SIGINT, "")


@pytest.mark.parametrize("name", ["INT", "TERM"])
def test_a_signal_that_is_ignored_stays_ignored(directory: str, name: str) -> None:
    root = Path(directory.removeprefix("file://"))
    # As nohup has it, and sh for what it runs in the background.
    ignoring = ["sh", "-c", f'trap "" {name}; exec "$@"', "sh"]
    command = [*ignoring, path(), "cp", "-", f"{directory}k"]

    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        assert run.stdin is not None
        run.stdin.write(bytes(20 << 20))
        run.stdin.flush()
        while not any(root.iterdir()):
            assert run.poll() is None
        run.send_signal(signal.Signals[f"SIG{name}"])
        _, err = run.communicate(b"end", timeout=60)

    assert (run.returncode, err) == (0, b"")
    assert (root / "k").stat().st_size == (20 << 20) + 3

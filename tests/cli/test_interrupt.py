from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from cli.program import start

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

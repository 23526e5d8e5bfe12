from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from cli.program import call, path, start

MIB = 1 << 20
SIZE = 20 * MIB + 7


def cat(*arguments: str) -> bytes:
    """Return what `cat` writes."""
    done = subprocess.run(
        [path(), "cat", *arguments], capture_output=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, b""), done.stderr
    return done.stdout


def test_the_bytes_come_out_as_they_are(bucket: str, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    call("put", "-c", "-s", str(SIZE), "--seed", "1", "-t", "k", bucket)
    call("put", "-s", str(SIZE), "--seed", "1", "-t", "k", f"file://{copy}")
    call("put", "-s", "0", "-t", "empty", bucket)
    data = (copy / "k").read_bytes()

    assert cat(f"{bucket}k") == data
    assert cat("--option", "part_size=5MiB", f"{bucket}k") == data
    assert cat("--offset", "100", "--length", "50", f"{bucket}k") == data[100:150]
    middle = ("--offset", str(MIB), "--length", str(17 * MIB))
    assert cat("--option", "part_size=5MiB", *middle, f"{bucket}k") == data[MIB : 18 * MIB]
    assert cat("--offset", str(SIZE - 1), f"{bucket}k") == data[-1:]
    assert cat("--offset", "5", "--length", str(2 * SIZE), f"{bucket}k") == data[5:]
    assert cat("--length", "0", f"{bucket}k") == b""
    assert cat(f"{bucket}empty") == b""
    assert cat("--length", "9", f"{bucket}empty") == b""


def test_what_cannot_be_read_is_named(bucket: str) -> None:
    call("put", "-c", "-s", "10", "-t", "k", bucket)

    for arguments, code in [
        ((f"{bucket}nothing",), 3),
        ((f"{bucket}nothing", "--length", "0"), 3),
        ((f"{bucket}k", "--offset", "10"), 2),
        ((f"{bucket}k", "--offset", "11", "--length", "0"), 2),
    ]:
        done = call("cat", *arguments, code=code)
        assert (done.out, arguments[0] in done.err) == ("", True), done.err


@pytest.mark.parametrize("flags", [(), ("--offset", "1")], ids=["whole", "range"])
def test_a_reader_that_has_enough_ends_it_quietly(directory: str, flags: tuple[str, ...]) -> None:
    root = Path(directory.removeprefix("file://"))
    with (root / "k").open("wb") as large:
        large.truncate(1 << 30)

    with start("cat", *flags, f"{directory}k") as run:
        assert run.stdout is not None
        assert run.stderr is not None
        assert run.stdout.read(4) == "\0\0\0\0"
        run.stdout.close()
        assert run.stderr.read() == ""
        assert run.wait(timeout=60) == 0


@pytest.mark.parametrize("flags", [(), ("--offset", "1")], ids=["whole", "range"])
def test_a_large_object_takes_little_memory(directory: str, flags: tuple[str, ...]) -> None:
    root = Path(directory.removeprefix("file://"))
    with (root / "k").open("wb") as large:
        large.truncate(1 << 30)
    command = [path(), "cat", *flags, f"{directory}k"]

    with subprocess.Popen(command, stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        # More is left than a pipe holds, so it still runs.
        run.stdout.read((1 << 30) - 4 * MIB)
        peak = next(
            int(line.split()[1]) >> 10
            for line in Path(f"/proc/{run.pid}/status").read_text(encoding="utf-8").splitlines()
            if line.startswith("VmHWM")
        )
        run.stdout.read()

    print(f"peak {peak} MiB")
    assert (run.returncode, peak < 400) == (0, True)

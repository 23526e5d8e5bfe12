"""The bar of a transfer: on a terminal, and only there."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from cli.program import call, path

if TYPE_CHECKING:
    from pathlib import Path

COUNT = 20
SIZE = 1 << 20
# Bytes, rate, files, time left.
BAR = re.compile(r"B/[0-9.]+ \w*B, [0-9.]+ \w*B/s, \d+/\d+ files, \S+ left")


def on_a_terminal(*command: str) -> tuple[str, str]:
    """Run a command whose stderr is a terminal, and give what it wrote to stdout and there."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=theirs
    ) as running:
        os.close(theirs)
        shown = b""
        # The terminal ends, by an error, when nobody has it open any more.
        while piece := _read(ours):
            shown += piece
        assert running.stdout is not None
        out = running.stdout.read()
        assert running.wait(timeout=60) == 0, shown
    os.close(ours)
    return out.decode(), shown.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    source = tmp_path / "source"
    call("put", "-n", str(COUNT), "-s", str(SIZE), f"file://{source}/")
    return source


@pytest.mark.parametrize("verb", ["upload", "download", "sync"])
def test_transfers_of_files_show_a_bar(source: Path, tmp_path: Path, verb: str) -> None:
    target = f"file://{tmp_path}/target/"

    out, shown = on_a_terminal(path(), verb, f"file://{source}/", target)

    assert BAR.search(shown), shown
    assert f"{COUNT} files (total {COUNT * SIZE} bytes)" in out
    assert "\x1b" not in out


@pytest.mark.parametrize("flag", ["-q", "--json", "-v"])
def test_no_bar_where_it_is_not_wanted(source: Path, tmp_path: Path, flag: str) -> None:
    _, shown = on_a_terminal(path(), flag, "upload", str(source), f"file://{tmp_path}/target/")

    assert not BAR.search(shown), shown


def test_no_bar_in_a_pipe(source: Path, tmp_path: Path) -> None:
    assert call("upload", str(source), f"file://{tmp_path}/target/").err == ""


def test_objects_are_counted_on_a_bar(source: Path) -> None:
    _, shown = on_a_terminal(path(), "get", f"file://{source}/")

    assert f"/{COUNT} objects" in shown


PYTHON = """
import sys
import s3dlio
s3dlio.upload(sys.argv[1], sys.argv[2], progress=True)
"""


def test_python_shows_the_same_bar(source: Path, tmp_path: Path) -> None:
    target = f"file://{tmp_path}/target/"

    out, shown = on_a_terminal(sys.executable, "-c", PYTHON, str(source), target)

    assert BAR.search(shown), shown
    assert out == ""

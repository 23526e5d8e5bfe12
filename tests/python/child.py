"""Programs in processes of their own, each with a deadline: a hang is a failure with a name."""

from __future__ import annotations

import pickle
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING, TypeVar, cast

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

DEADLINE = 60.0
T = TypeVar("T")


def program(code: str, arguments: Sequence[str] = (), *, flags: Sequence[str] = ()) -> list[str]:
    """The command line that runs `code`."""
    return [sys.executable, *flags, "-c", textwrap.dedent(code), *arguments]


def run(
    code: str,
    *arguments: str,
    deadline: float = DEADLINE,
    flags: Sequence[str] = (),
) -> str:
    """Run `code`, expect it to succeed in time, and give what it printed."""
    command = program(code, arguments, flags=flags)
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=deadline, check=False
        )
    except subprocess.TimeoutExpired as late:
        pytest.fail(f"hangs: no end after {deadline:.0f} s\n{late.stdout!r}\n{late.stderr!r}")
    assert done.returncode == 0, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def pickled(thing: T, protocol: int | None = None) -> T:
    """What another process gets of `thing`."""
    return cast("T", pickle.loads(pickle.dumps(thing, protocol)))  # noqa: S301 - our own bytes

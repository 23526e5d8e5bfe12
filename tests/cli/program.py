"""The command under test, run as a user would run it."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

DEADLINE_S = 120.0

# What would lead the command to services or settings that a test has not chosen.
SETTINGS = ("AWS_", "AZURE_", "S3DLIO_")


def path() -> str:
    """Return the program: what S3DLIO_CLI names, else the console script of this Python."""
    return os.environ.get("S3DLIO_CLI") or str(Path(sys.executable).with_name("s3-cli"))


def bare_environment() -> dict[str, str]:
    """Return the environment without settings and credentials of any service."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(SETTINGS)}
    return {**kept, "COLUMNS": "100", "S3DLIO_LOAD_DOTENV": "0"}


@dataclass(frozen=True)
class Done:
    """What a finished command said."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


def call(*arguments: str, code: int = 0, env: dict[str, str] | None = None) -> Done:
    """Run the command and expect the given exit code."""
    done = subprocess.run(
        [path(), *arguments],
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == code, f"{arguments}: exit {done.returncode}\n{done.stderr}"
    return Done(done.returncode, done.stdout, done.stderr)


def start(*arguments: str, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
    """Start the command with both of its streams in pipes."""
    return subprocess.Popen(
        [path(), *arguments],
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )

"""Help texts as they were last agreed on. S3DLIO_UPDATE_SNAPSHOTS=1 writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cli.program import bare_environment, call

SNAPSHOTS = Path(__file__).parent / "snapshots"
COMMANDS = [
    "create-bucket",
    "delete-bucket",
    "list",
    "stat",
    "exists",
    "get",
    "put",
    "upload",
    "download",
    "cp",
    "sync",
    "delete",
    "du",
    "cat",
    "completion",
    "presign",
    "set-tier",
]


def matches(name: str, text: str) -> bool:
    snapshot = SNAPSHOTS / f"{name}.txt"
    if os.environ.get("S3DLIO_UPDATE_SNAPSHOTS"):
        snapshot.write_text(text, encoding="utf-8")
    return snapshot.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command(command: str) -> None:
    env = bare_environment()

    text = call(command, "--help", env=env).out

    assert matches(command, text)
    assert call("help", command, env=env).out == text


def test_help_of_the_program() -> None:
    env = bare_environment()

    text = call("--help", env=env).out

    assert matches("s3-cli", text)
    assert call("help", env=env).out == text
    assert call(code=2, env=env).err == call("-h", env=env).out


def test_version() -> None:
    assert call("-V", env=bare_environment()).out.split()[0] == "s3-cli"

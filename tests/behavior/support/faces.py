"""The faces of a verb: called, awaited, or typed as a command."""

from __future__ import annotations

import asyncio
import inspect
import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import s3dlio as s3
from cli.program import DEADLINE_S, path

if TYPE_CHECKING:
    from pathlib import Path

    from behavior.place import Place


class RefusedError(Exception):
    """A command that ended with another code than 0."""

    def __init__(self, code: int, said: str) -> None:
        super().__init__(f"exit {code}: {said}")
        self.code = code
        self.said = said


@dataclass(frozen=True)
class Python:
    """A verb of the package, or its twin, on one place."""

    verb: str
    place: Place
    scratch: Path
    """An empty directory."""

    def __call__(self, *arguments: object, **keywords: object) -> Any:  # noqa: ANN401 - any verb's
        """What the verb returns; of an iterator, a list of what it gives."""
        owner, _, name = self.verb.rpartition(".")
        if not owner:  # a method's object has its options already
            keywords = {"options": self.place.options, **keywords}
        call = getattr(getattr(s3, owner) if owner else s3, name)
        returned = call(*arguments, **keywords)
        if inspect.isgenerator(returned):
            return list(returned)
        if inspect.isasyncgen(returned):

            async def collect() -> list[object]:
                return [each async for each in returned]

            return asyncio.run(collect())
        return asyncio.run(returned) if inspect.iscoroutine(returned) else returned


@dataclass(frozen=True)
class Shell:
    """A command of `s3-cli` on one place, to which the environment leads."""

    command: str
    place: Place
    scratch: Path
    """An empty directory."""

    def __call__(self, *arguments: str | Path, stdin: bytes = b"") -> bytes:
        """What the command writes to stdout."""
        done = subprocess.run(
            [path(), *self.command.split(), *arguments],
            env={**os.environ, "S3DLIO_LOAD_DOTENV": "0"},
            input=stdin,
            capture_output=True,
            timeout=DEADLINE_S,
            check=False,
        )
        if done.returncode != 0:
            raise RefusedError(done.returncode, done.stderr.decode())
        return done.stdout

    def lines(self, *arguments: str | Path) -> list[str]:
        """The lines that the command writes to stdout."""
        return self(*arguments).decode().splitlines()

"""The rows of the support table: what is done, by which verb or command, and how it is checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import s3dlio as s3
from behavior.place import TARGETS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from behavior.support.faces import Python, Shell

SHELL = "s3-cli "
TWIN = "_async"

OBJECT = "object"
"""What is written or asked for where a store may refuse it."""

KEPT = "kept"
"""What is there before, and must still be there when a store refuses."""


@dataclass(frozen=True)
class Row:
    """One way to do one thing: a line of the table."""

    title: str
    """What is done."""
    label: str
    """By what: `get`, `get_async` or `s3-cli cat`."""
    python: Callable[[Python], None] | None = None
    shell: Callable[[Shell], None] | None = None

    @property
    def targets(self) -> tuple[str, ...]:
        """Where it can be tried: each run of a command has a memory of its own."""
        return tuple(each for each in TARGETS if each != "memory" or self.python)


@dataclass
class Section:
    """Rows that stand under one heading."""

    title: str
    rows: list[Row] = field(default_factory=list)

    def python(
        self, title: str, verb: str
    ) -> Callable[[Callable[[Python], None]], Callable[[Python], None]]:
        """Check a verb, and its twin where it has one, by the decorated function."""

        def add(check: Callable[[Python], None]) -> Callable[[Python], None]:
            self.rows.append(Row(title, verb, python=check))
            if exists(verb + TWIN):
                self.rows.append(Row(title, verb + TWIN, python=check))
            return check

        return add

    def shell(
        self, title: str, command: str
    ) -> Callable[[Callable[[Shell], None]], Callable[[Shell], None]]:
        """Check a command by the decorated function."""

        def add(check: Callable[[Shell], None]) -> Callable[[Shell], None]:
            self.rows.append(Row(title, SHELL + command, shell=check))
            return check

        return add


def exists(verb: str) -> bool:
    """Whether the package has a verb, as `get`, or a class a method, as `CheckpointStore.get`."""
    owner, _, name = verb.rpartition(".")
    return hasattr(getattr(s3, owner) if owner else s3, name)


def every_row(sections: list[Section]) -> Iterator[Row]:
    """All rows, in the order of the page."""
    for section in sections:
        yield from section.rows

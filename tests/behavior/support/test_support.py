"""Each verb on each scheme in each face does what docs/reference/support.md says.

S3DLIO_UPDATE_SNAPSHOTS=1 writes the outcomes into the page instead.
"""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING

import pytest

import s3dlio as s3
from behavior.support import buckets, checkpoints, listing, page, reading, trees, writing
from behavior.support.faces import Python, RefusedError, Shell
from behavior.support.rows import KEPT, OBJECT, SHELL, Row, every_row
from cli.program import bare_environment, call

if TYPE_CHECKING:
    from pathlib import Path

    from behavior.place import Place

SECTIONS = [
    reading.SECTION,
    writing.SECTION,
    listing.SECTION,
    buckets.SECTION,
    trees.SECTION,
    checkpoints.SECTION,
]
CASES = [
    pytest.param(row, target, id=f"{row.label}-{row.title}-{target}".replace(" ", "_"))
    for row in every_row(SECTIONS)
    for target in row.targets
]

# They do no I/O.
NO_VERBS = {"init_logging", "settings"}
NO_COMMANDS = {"completion", "help"}


def outcome(row: Row, place: Place, scratch: Path) -> tuple[str, str]:
    """Try it; tell whether it works here and, if not, why."""
    try:
        if row.python:
            row.python(Python(row.label, place, scratch))
        elif row.shell:
            row.shell(Shell(row.label.removeprefix(SHELL), place, scratch))
    except s3.UnsupportedError as error:
        reason = str(error).removeprefix(f"{error.op} {error.uri}: ")
    except RefusedError as error:
        if error.code != 1:
            raise
        named = re.search(rf"{re.escape(place.base)}({OBJECT}|{KEPT}): (.+)", error.said)
        if named is None:
            raise
        reason = named[2]
    else:
        return "yes", ""
    assert place.names() in ([], [KEPT]), "what is refused leaves nothing"
    return "no", reason


@pytest.mark.parametrize(("row", "place"), CASES, indirect=["place"])
def test_it_does_what_the_page_says(row: Row, place: Place, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    where = page.COLUMNS[place.target]

    found, reason = outcome(row, place, scratch)

    table = page.read()
    if page.updating():
        table.cells[row.title, row.label, where] = found
        if reason:
            table.reasons[row.title, where] = reason
        page.PATH.write_text(table.render(SECTIONS), encoding="utf-8")
    assert table.cells.get((row.title, row.label, where)) == found, reason
    if reason:
        assert table.reasons.get((row.title, where)) == reason


def test_the_page_has_these_lines_and_no_others() -> None:
    table = page.read()
    text = table.render(SECTIONS)
    if page.updating():
        page.PATH.write_text(text, encoding="utf-8")

    assert page.PATH.read_text(encoding="utf-8") == text
    assert page.UNKNOWN not in table.cells.values()


def test_every_verb_has_a_line() -> None:
    verbs = {
        name
        for name in s3.__all__
        if callable(getattr(s3, name)) and not inspect.isclass(getattr(s3, name))
    }
    methods = {
        f"CheckpointStore.{name}"
        for name, member in vars(s3.CheckpointStore).items()
        if inspect.isfunction(member) and not name.startswith("_")
    }

    lines = {row.label for row in every_row(SECTIONS) if row.python}

    assert lines == (verbs - NO_VERBS) | methods


def test_every_command_has_a_line() -> None:
    text = call("--help", env=bare_environment()).out
    listed = text.partition("Commands:\n")[2].partition("\n\n")[0]
    commands = {line.split()[0] for line in listed.splitlines()}

    lines = {row.label.split()[1] for row in every_row(SECTIONS) if row.shell}

    assert lines == commands - NO_COMMANDS

"""docs/reference/support.md: written from what the cases found, and read to compare with them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from behavior.support.rows import Section

PATH = Path(__file__).parents[3] / "docs" / "reference" / "support.md"
COLUMNS = {"file": "file", "direct": "direct", "minio": "s3", "azurite": "az", "memory": "memory"}
"""The scheme that leads to each target."""
UNKNOWN = "?"

HEAD = """\
# What works where

<!-- Generated: S3DLIO_UPDATE_SNAPSHOTS=1 make test-python ARGS=tests/behavior/support -->

Each cell is the outcome of one test, against MinIO for `s3://` and Azurite for `az://`.

- `yes`: it was done, and the bytes, properties or names that it should leave were found.
- `no`: it raises `UnsupportedError`, or the command fails; [the reasons](#reasons) stand below.
- `-`: there is no such thing: `memory://` lives inside one process, a command's own.

A line without an `_async` form or a command has none.
"""

REASONS = """\
## Reasons

What the error says where the tables say `no`.
"""


@dataclass
class Page:
    """The outcomes, by line and scheme, and the reasons, by what is tried and scheme."""

    cells: dict[tuple[str, str, str], str] = field(default_factory=dict)
    reasons: dict[tuple[str, str], str] = field(default_factory=dict)

    def render(self, sections: list[Section]) -> str:
        """The page of these rows, in their order."""
        return "\n".join([HEAD, *(self._table(each) for each in sections), self._why(sections)])

    def _table(self, section: Section) -> str:
        lines = [
            f"## {section.title}\n",
            *_header("", "by", *(f"`{each}://`" for each in COLUMNS.values())),
        ]
        shown = ""
        for row in section.rows:
            cells = [
                self.cells.get((row.title, row.label, COLUMNS[each]), UNKNOWN)
                if each in row.targets
                else "-"
                for each in COLUMNS
            ]
            title = "" if row.title == shown else row.title
            lines.append(_line(title, f"`{row.label}`", *cells))
            shown = row.title
        return "\n".join(lines) + "\n"

    def _why(self, sections: list[Section]) -> str:
        titles = dict.fromkeys(row.title for section in sections for row in section.rows)
        lines = [REASONS, *_header("", "on", "error")]
        for title in titles:
            for each in COLUMNS.values():
                refused = "no" in {
                    cell for (t, _, s), cell in self.cells.items() if (t, s) == (title, each)
                }
                if refused:
                    reason = self.reasons.get((title, each), UNKNOWN)
                    lines.append(_line(title, f"`{each}://`", reason))
        return "\n".join(lines) + "\n"


def parse(text: str) -> Page:
    """The page that `render` wrote."""
    page = Page()
    tables, _, reasons = text.partition(REASONS)
    title = ""
    for first, label, *cells in _rows(tables):
        title = first or title
        for each, cell in zip(COLUMNS.values(), cells, strict=True):
            page.cells[title, label.strip("`"), each] = cell
    for title, each, reason in _rows(reasons):
        page.reasons[title, each.strip("`").removesuffix("://")] = reason
    return page


def read() -> Page:
    """The page as it is now; an empty one where there is none."""
    return parse(PATH.read_text(encoding="utf-8")) if PATH.exists() else Page()


def updating() -> bool:
    """Whether outcomes are to be written instead of compared."""
    return bool(os.environ.get("S3DLIO_UPDATE_SNAPSHOTS"))


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _header(*cells: str) -> list[str]:
    return [_line(*cells), "|" + "---|" * len(cells)]


def _rows(text: str) -> Iterator[list[str]]:
    """The cells of each line of each table, without those of headers."""
    lines = text.splitlines()
    for at, line in enumerate(lines):
        is_header = lines[at + 1 : at + 2] and lines[at + 1].startswith("|---")
        if line.startswith("| ") and not is_header:
            yield [cell.strip() for cell in line.strip("|").split(" | ")]

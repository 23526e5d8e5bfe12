"""docs/reference/python.md is what the docstrings say. S3DLIO_UPDATE_SNAPSHOTS=1 writes it anew."""

from __future__ import annotations

import os
from pathlib import Path

from python.reference import render

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "python.md"


def test_the_page_is_what_the_docstrings_say() -> None:
    text = render()

    if os.environ.get("S3DLIO_UPDATE_SNAPSHOTS"):
        PAGE.write_text(text, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == text

"""The fixture that leads each case to each back end."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

import s3dlio as s3
from behavior.place import PART, TARGETS, Place, options_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(params=TARGETS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A new bucket per test and back end, removed afterwards with what it holds."""
    name = f"suite-{secrets.token_hex(8)}"
    target = str(request.param)
    options: dict[str, object] = {"part_size": PART}
    if target in {"minio", "azurite"}:
        options = options_of(request.getfixturevalue(target).environment)
    base = {
        "memory": f"memory://{name}/",
        "file": f"file://{tmp_path}/{name}/",
        "direct": f"direct://{tmp_path}/{name}/",
        "minio": f"s3://{name}/",
        "azurite": f"az:///{name}/",
    }[target]
    s3.create_bucket(base, options=options)
    yield Place(target, base, options)
    s3.delete(base, options=options)
    s3.delete_bucket(base, options=options)

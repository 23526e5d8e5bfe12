"""The fixture that leads each case to each back end."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

import pytest

import s3dlio as s3
from behavior.place import PART, TARGETS, Place, options_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


LEFTOVER_S = 10.0


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
    made = Place(target, base, options)
    yield made
    s3.delete(base, options=options)
    deadline = time.monotonic() + LEFTOVER_S
    while True:
        try:
            return s3.delete_bucket(base, options=options)
        except s3.NotEmptyError:
            # A call that failed may have left a thread within a system call, and its file.
            if not made.local or time.monotonic() > deadline:
                raise

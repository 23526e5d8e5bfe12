"""Places for objects: one on each scheme."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(params=["file", "direct", "s3", "az"])
def bucket(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URI of a bucket that does not exist yet, with its final slash."""
    name = f"cli-{secrets.token_hex(8)}"
    match str(request.param):
        case "s3":
            request.getfixturevalue("minio")
            return f"s3://{name}/"
        case "az":
            request.getfixturevalue("azurite")
            return f"az:///{name}/"
        case scheme:
            return f"{scheme}://{tmp_path}/{name}/"


@pytest.fixture
def directory(tmp_path: Path) -> str:
    """The URI of an empty directory, with its final slash."""
    return f"file://{tmp_path}/"

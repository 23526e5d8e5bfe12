"""Fixtures for all tests: the storage servers, and how large the cases may be."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

import servers

SCALES = ("quick", "full")
SERVER_FIXTURES = ("minio", "azurite")


def pytest_configure(config: pytest.Config) -> None:
    """Read the scale early, so that a misspelt one ends the run."""
    scale = os.environ.get("S3DLIO_TEST_SCALE") or SCALES[0]
    if scale not in SCALES:
        raise pytest.UsageError(f"S3DLIO_TEST_SCALE={scale}: expected one of {', '.join(SCALES)}")
    config.stash[_SCALE] = scale


def pytest_report_header(config: pytest.Config) -> str:
    """Show the scale at the top of the report."""
    return f"scale: {config.stash[_SCALE]}"


# They run in an environment of their own: `make test-frameworks`.
collect_ignore = ["frameworks"]

_SCALE = pytest.StashKey[str]()


@pytest.fixture(scope="session")
def scale(pytestconfig: pytest.Config) -> str:
    """Return "quick", or "full" where large and slow cases are wanted."""
    return pytestconfig.stash[_SCALE]


def _server(name: str) -> Iterator[servers.Server]:
    """Yield a server of the surrounding `servers.py run`, or one of our own."""
    if outer := servers.from_environment(name):
        yield outer
        return
    with servers.running(name) as own, pytest.MonkeyPatch.context() as patch:
        for variable in servers.FOREIGN_SETTINGS:
            patch.delenv(variable, raising=False)
        for variable, value in servers.environment_of([own]).items():
            patch.setenv(variable, value)
        yield own


@pytest.fixture(scope="session")
def minio() -> Iterator[servers.Server]:
    """A running MinIO; the process environment leads to it."""
    yield from _server("minio")


@pytest.fixture(scope="session")
def azurite() -> Iterator[servers.Server]:
    """A running Azurite; the process environment leads to it."""
    yield from _server("azurite")


@pytest.fixture(scope="session", autouse=True)
def _servers_first(request: pytest.FixtureRequest) -> None:
    """Start what the chosen tests name before the first of them.

    The default client reads the environment once, so a server that starts later comes too late.
    """
    named = {name for item in request.session.items for name in getattr(item, "fixturenames", ())}
    for name in SERVER_FIXTURES:
        if name in named:
            request.getfixturevalue(name)

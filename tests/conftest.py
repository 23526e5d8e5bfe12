"""Fixtures for all tests: the storage servers, and how large the cases may be."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator, Iterator

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
    # A shell's job in the background ignores Ctrl-C, and so would programs that tests interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)


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


def _server(name: str, config: pytest.Config) -> Iterator[servers.Server]:
    """Yield a server of the surrounding `servers.py run`, or one of our own."""
    secrets = config.stash.setdefault(_SECRETS, [])
    if outer := servers.from_environment(name):
        secrets += [outer.environment[key] for key in SECRET_VARIABLES if key in outer.environment]
        yield outer
        return
    with servers.running(name) as own, pytest.MonkeyPatch.context() as patch:
        secrets += [own.environment[key] for key in SECRET_VARIABLES if key in own.environment]
        for variable in servers.FOREIGN_SETTINGS:
            patch.delenv(variable, raising=False)
        for variable, value in servers.environment_of([own]).items():
            patch.setenv(variable, value)
        yield own


@pytest.fixture(scope="session")
def minio(pytestconfig: pytest.Config) -> Iterator[servers.Server]:
    """A running MinIO; the process environment leads to it."""
    yield from _server("minio", pytestconfig)


@pytest.fixture(scope="session")
def azurite(pytestconfig: pytest.Config) -> Iterator[servers.Server]:
    """A running Azurite; the process environment leads to it."""
    yield from _server("azurite", pytestconfig)


_SECRETS = pytest.StashKey[list[str]]()
SECRET_VARIABLES = ("AWS_SECRET_ACCESS_KEY", "AZURE_STORAGE_KEY")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test that has printed a key of the servers, whatever else it was about."""
    report = yield
    secrets = item.config.stash.get(_SECRETS, [])
    shown = [name for name, text in report.sections for secret in secrets if secret in text]
    if shown and report.when == "teardown":
        report.outcome = "failed"
        report.sections.clear()
        report.longrepr = f"{item.nodeid} printed a key of the servers: {shown[0]}"
    return report


@pytest.fixture(scope="session", autouse=True)
def _servers_first(request: pytest.FixtureRequest) -> None:
    """Start what the chosen tests name before the first of them.

    The default client reads the environment once, so a server that starts later comes too late.
    """
    named = {name for item in request.session.items for name in getattr(item, "fixturenames", ())}
    for name in SERVER_FIXTURES:
        if name in named:
            request.getfixturevalue(name)

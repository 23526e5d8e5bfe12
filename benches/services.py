"""The servers of the cases, each on a free port, in a temporary directory, ended with the block.

MinIO and Azurite run already: ``tests/servers.py run`` starts them before the harness.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from payload import body
from support import TestServer, end_with_parent, running

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BUCKET = "bench"
S3_ROOT = f"s3://{BUCKET}/"
AZ_ROOT = f"az://devstoreaccount1/{BUCKET}/"
"""Of the account that every emulator has."""
DEADLINE_S = 30.0
POLL_S = 0.02
# A scripted server checks no signature; these are what its clients sign with.
NOBODY = {
    "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "not-checked",
    "AWS_REGION": "us-east-1",
}


class MissingError(Exception):
    """A program that a service needs is not there."""


def need(program: str, package: str) -> str:
    """The path of a program, or an error that says which Debian package holds it."""
    if path := shutil.which(program):
        return path
    raise MissingError(f"{program} is missing: apt-get install {package}")


@dataclass(frozen=True)
class Service:
    """A running server, or a directory."""

    root: str
    environment: Mapping[str, str] = field(default_factory=dict)
    anonymous: bool = False
    directory: Path | None = None
    """Where the objects are to be placed as files."""
    server: TestServer | None = None
    """The scripted server, which can be asked what it saw."""


class Services:
    """Starts what the cases ask for, once each."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._running: dict[str, Service] = {}
        self._scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))

    def get(self, name: str) -> Service:
        """The service of that name.

        Raises:
            MissingError: A program for it is not installed.
        """
        if name in {"static", "tls"} and name not in self._running:
            self._running.update(self._nginx())
        if name not in self._running:
            self._running[name] = self._start(name)
        return self._running[name]

    def place(self, service: Service, count: int, size: int) -> None:
        """Write the objects of a case where a server of files will find them."""
        assert service.directory is not None
        directory = service.directory / f"{count}x{size}"
        directory.mkdir(exist_ok=True)
        for index in range(count):
            path = directory / f"{index:06}"
            if not path.exists():
                path.write_bytes(body("random", index, size))

    def clear(self) -> None:
        """Remove what was written as files: to free it is not what the next put is measured by."""
        for old in (self._scratch / "files").glob("*"):
            shutil.rmtree(old) if old.is_dir() else old.unlink()
        os.sync()

    def _start(self, name: str) -> Service:
        match name:
            case "minio":
                return Service(S3_ROOT)
            case "azurite":
                return Service(AZ_ROOT)
            case "file" | "direct":
                directory = self._scratch / "files"
                directory.mkdir(exist_ok=True)
                return Service(f"{name}://{directory}/")
            case "scripted":
                server = self._stack.enter_context(running("s3"))
                return Service(S3_ROOT, {**NOBODY, **_leads_to(server.endpoint)}, server=server)
            case "scripted-azure":
                server = self._stack.enter_context(running("azure"))
                environment = {
                    "AZURE_STORAGE_ENDPOINT": server.endpoint,
                    "AZURE_STORAGE_ACCOUNT": "devstoreaccount1",
                    "AZURE_STORAGE_KEY": "a2V5",
                }
                return Service(AZ_ROOT, environment, server=server)
        raise KeyError(name)

    def _nginx(self) -> dict[str, Service]:
        directory = self._scratch / "nginx"
        objects = directory / "www" / BUCKET
        objects.mkdir(parents=True)
        (objects / "warm-up").write_bytes(b"x" * 100)
        authority = _certificates(directory)
        plain, secure = self._stack.enter_context(_nginx(directory))
        trust = {
            name: str(authority) for name in ("AWS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE")
        }
        at_plain = _leads_to(f"http://127.0.0.1:{plain}")
        at_secure = {**_leads_to(f"https://127.0.0.1:{secure}"), **trust}
        return {
            "static": Service(S3_ROOT, at_plain, anonymous=True, directory=objects),
            "tls": Service(S3_ROOT, at_secure, anonymous=True, directory=objects),
        }


def _leads_to(endpoint: str) -> dict[str, str]:
    return {"AWS_ENDPOINT_URL": endpoint, "S3_ENDPOINT_URL": endpoint}


CONFIGURATION = """
daemon off;
master_process off;
pid {directory}/pid;
error_log {directory}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  default_type application/octet-stream;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000;
  open_file_cache max=4000 inactive=600s;
  ssl_certificate {directory}/server.pem;
  ssl_certificate_key {directory}/server.key;
  ssl_protocols TLSv1.3;
  server {{
    listen 127.0.0.1:{plain};
    listen 127.0.0.1:{secure} ssl;
    root {directory}/www;
  }}
}}
"""


@contextmanager
def _nginx(directory: Path) -> Iterator[tuple[int, int]]:
    """Serve `directory`/www; yields the ports without and with TLS."""
    program = need("nginx", "nginx-light")
    plain, secure = _free_ports()
    configuration = directory / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(directory=directory, plain=plain, secure=secure))
    log = directory / "error.log"
    with subprocess.Popen(
        [program, "-p", str(directory), "-e", str(log), "-c", str(configuration)],
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=end_with_parent(signal.SIGKILL),  # noqa: PLW1509 - no other thread runs here
    ) as process:
        try:
            deadline = time.monotonic() + DEADLINE_S
            while not _listens(plain):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"nginx does not start: {log.read_text()}")
                time.sleep(POLL_S)
            yield plain, secure
        finally:
            process.kill()


def _certificates(directory: Path) -> Path:
    """An authority made for this run, and by it a certificate for 127.0.0.1."""
    openssl = need("openssl", "openssl")
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]

    def request(name: str, *arguments: str) -> None:
        command = [openssl, "req", "-x509", *key, "-subj", f"/CN=bench {name}"]
        files = ["-keyout", f"{name}.key", "-out", f"{name}.pem"]
        subprocess.run(
            [*command, *files, *arguments], cwd=directory, check=True, capture_output=True
        )

    request("authority", "-addext", "basicConstraints=critical,CA:TRUE")
    extensions = ("subjectAltName=IP:127.0.0.1", "basicConstraints=critical,CA:FALSE")
    added = [word for extension in extensions for word in ("-addext", extension)]
    request("server", "-CA", "authority.pem", "-CAkey", "authority.key", *added)
    return directory / "authority.pem"


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def bypass_proxies() -> dict[str, str]:
    """Variables that keep every client on this machine and off the user's own files."""
    return {
        "NO_PROXY": "127.0.0.1,localhost",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }

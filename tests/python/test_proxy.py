"""Requests that a proxy has to take go through it, all others go straight to their server."""

from __future__ import annotations

import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from python.child import DEADLINE, program

if TYPE_CHECKING:
    from collections.abc import Iterator

ANSWER = b"from the other side"

ROUND_TRIP = """
import sys
import s3dlio as s3

uri, endpoint = sys.argv[1:]
s3.init_logging("info")
options = {
    "endpoint_url": endpoint,
    "region": "us-east-1",
    "access_key_id": "key",
    "secret_access_key": "secret",
    "sas_token": "sv=1&sig=x",
    "max_attempts": 1,
}
for _ in range(2):
    s3.put(uri, b"there", options=options)
    assert bytes(s3.get(uri, options=options)) == b"from the other side"
"""


class Recorder(ThreadingHTTPServer):
    """Answers everything and remembers the request lines: a proxy's begin with a scheme."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.targets: list[str] = []
        self.bodies: list[bytes] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Recorder

    def do_GET(self) -> None:
        self._answer(ANSWER)

    def do_PUT(self) -> None:
        self.server.bodies.append(self.rfile.read(int(self.headers["content-length"])))
        self._answer(b"", 201 if "blob" in str(self.headers).lower() else 200)

    def _answer(self, body: bytes, status: int = 200) -> None:
        self.server.targets.append(self.path)
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.send_header("etag", '"1"')
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: the test looks at what was recorded."""


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with Recorder() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()


def round_trip(uri: str, endpoint: str, **environment: str) -> str:
    """Put and get `uri` twice in a process of its own, and give its log."""
    others = ("_proxy", "aws_", "azure_")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not any(word in name.lower() for word in others)
    }
    done = subprocess.run(
        program(ROUND_TRIP, [uri, endpoint]),
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        env=kept | environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


PLACES = [
    ("s3://bucket/key", "http://storage.example"),
    ("az://account/container/key", "http://storage.example/account"),
]


@pytest.mark.parametrize(("uri", "endpoint"), PLACES)
def test_what_a_proxy_serves_goes_through_it(recorder: Recorder, uri: str, endpoint: str) -> None:
    log = round_trip(uri, endpoint, HTTP_PROXY=recorder.url)

    assert len(recorder.targets) == 4
    assert all(target.startswith(endpoint) for target in recorder.targets), recorder.targets
    assert recorder.bodies == [b"there", b"there"]
    assert log.count("a proxy is set") == 1, log


@pytest.mark.parametrize("uri", [uri for uri, _ in PLACES])
def test_what_no_proxy_names_goes_straight(recorder: Recorder, uri: str) -> None:
    path = "" if uri.startswith("s3") else "/account"
    log = round_trip(
        uri, recorder.url + path, HTTP_PROXY="http://127.0.0.1:9", NO_PROXY="127.0.0.1"
    )

    assert len(recorder.targets) == 4
    assert all(target.startswith("/") for target in recorder.targets), recorder.targets
    assert "a proxy is set" not in log

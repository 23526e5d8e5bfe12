"""The scripted servers of the test kit, each in a process of its own."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROOT = Path(__file__).parents[1]
_DEADLINE_S = 60.0


@dataclass(frozen=True)
class TestServer:
    """A running server, and the paths by which a test orders it about."""

    __test__ = False  # no test, whatever its name

    endpoint: str
    control: str
    authority: str = ""
    """In PEM, where the server speaks TLS."""

    @property
    def options(self) -> dict[str, object]:
        """Options that lead here and waste no time."""
        return {
            "endpoint_url": self.endpoint,
            "region": "us-east-1",
            "access_key_id": "AKIAEXAMPLE",
            "secret_access_key": "not-checked",
            "account_name": "devstoreaccount1",
            "account_key": "a2V5",
            "retry_base": 0.001,
            "retry_max": 0.01,
        }

    def fault(self, *actions: dict[str, object], **rule: object) -> None:
        """Add a rule: which requests (`op`, `times`, ...), and what happens to them."""
        self.call("POST", "/faults", {**rule, "actions": actions})

    def requests(self, op: str | None = None) -> list[dict[str, Any]]:
        """What was asked so far, of one operation or of all."""
        seen: list[dict[str, Any]] = self.call("GET", "/requests")
        return [each for each in seen if op in {None, each["op"]}]

    def reset(self) -> None:
        """Make it an empty server again."""
        self.call("DELETE", "")

    def call(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        """One request to a control path."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - our own address
            f"{self.control}/__control{path}", data, method=method
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=_DEADLINE_S) as answer:
            return json.load(answer)


@cache
def program() -> str:
    """Build the server, which takes no time where it is built already, and return its path."""
    build = ["cargo", "build", "--quiet", "--package", "s3dlio-testkit", "--message-format=json"]
    done = subprocess.run(build, cwd=_ROOT, stdout=subprocess.PIPE, text=True, check=True)
    made = (json.loads(line) for line in done.stdout.splitlines())
    return next(str(one["executable"]) for one in made if one.get("executable"))


@contextmanager
def running(service: str = "s3", *arguments: str) -> Iterator[TestServer]:
    """Run a server; it ends with the block, or with this process."""
    with subprocess.Popen(
        [program(), service, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield TestServer(**json.loads(process.stdout.readline()))
        finally:
            process.stdin.close()

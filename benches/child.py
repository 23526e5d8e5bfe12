"""One measurement in a process of its own: ``python child.py TASK``, a JSON object.

Prints a JSON object: the figures of the verb's first call, those of a second one where it was asked
for (memory and connections are there then), and how many requests a scripted server saw.
The bytes are checked outside the timed part.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

from payload import body
from peers import Client, Place, UnsupportedError, make

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CHECK = 1 << 20


def usage() -> tuple[float, int]:
    """CPU seconds, user and system, and minor page faults of this process and its programs."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    found = [resource.getrusage(kind) for kind in kinds]
    return sum(each.ru_utime + each.ru_stime for each in found), sum(
        each.ru_minflt for each in found
    )


def resident(field: str) -> int:
    """A field of the kernel's account of this process, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) * 1024
    raise KeyError(field)


def measured(client: Client, call: Callable[[], object]) -> tuple[dict[str, float], object]:
    """What a call costs, and its result."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak of memory begins anew
    before = resident("VmRSS")
    wall, (cpu, faults) = time.perf_counter(), usage()
    result = call()
    cpu_after, faults_after = usage()
    wall, cpu = time.perf_counter() - wall, cpu_after - cpu
    peak = resident("VmHWM") - before
    if own := client.figures():
        wall, cpu = own
    return {"wall": wall, "cpu": cpu, "faults": faults_after - faults, "peak": peak}, result


def same(found: object, expected: bytes) -> bool:
    """Compare by pieces that stay in the cache."""
    view = memoryview(found).cast("B")  # type: ignore[arg-type] # each client has its own type
    pieces = range(0, len(expected), CHECK)
    return len(view) == len(expected) and all(
        bytes(view[start : start + CHECK]) == expected[start : start + CHECK] for start in pieces
    )


def check(condition: object) -> None:
    if not condition:
        sys.exit("wrong result")


class Verb:
    """The call that is measured, and what must hold after it."""

    def __init__(self, client: Client, task: dict[str, object]) -> None:
        count, size = int(str(task["count"])), int(str(task["size"]))
        self.client, self.name, self.count, self.size = client, str(task["verb"]), count, size
        self.prefix = f"{count}x{size}/"
        if self.name == "list":
            return
        self.keys = [f"{self.prefix}{index:06}" for index in range(count)]
        if self.name in {"put", "get", "delete", "download"}:
            self.bodies = [body(str(task["kind"]), index, size) for index in range(count)]
        if self.name == "delete":
            self.prefix = f"doomed/{self.prefix}"
            self.keys = [f"{self.prefix}{index:06}" for index in range(count)]
            client.put(self.keys, self.bodies)
        if self.name in {"put", "get"}:
            client.prepare(self.name, self.keys, self.bodies)

    def call(self) -> object:
        client = self.client
        match self.name:
            case "put":
                client.put(self.keys, self.bodies)
            case "get":
                return client.get(self.keys)
            case "stat":
                return client.stat(self.keys)
            case "delete":
                client.delete(self.keys)
            case "list":
                return client.count(self.prefix)
            case "download":
                client.download(self.prefix, self.directory)
        return None

    def check(self, result: object) -> None:
        match self.name:
            case "put":
                self._check_bodies(self._stored(), self.bodies[-1:])
            case "get":
                assert isinstance(result, list)
                self._check_bodies(result, self.bodies)
            case "stat":
                check(result == [self.size] * self.count)
            case "delete":
                check(self.client.count(self.prefix) == 0)
            case "list":
                check(result == self.count)
            case "download":
                files = sorted(path for path in Path(self.directory).rglob("*") if path.is_file())
                self._check_bodies([path.read_bytes() for path in files], self.bodies)

    def run(self) -> dict[str, float]:
        with tempfile.TemporaryDirectory() as self.directory:
            figures, result = measured(self.client, self.call)
            self.check(result)
        return figures

    def _stored(self) -> Sequence[object]:
        try:
            return self.client.get(self.keys[-1:])
        except UnsupportedError:
            return []

    def _check_bodies(self, found: Sequence[object], expected: Sequence[bytes]) -> None:
        # What only measures has nothing to show.
        if found or self.name == "download":
            check(len(found) == len(expected))
            check(all(map(same, found, expected)))


def warm_up(client: Client, task: dict[str, object]) -> None:
    """Connections and lazy imports belong to nobody's figure."""
    try:
        if task["verb"] == "list":
            client.count("warm-up")
        elif task["verb"] != "download":
            if not client.place.anonymous:
                client.prepare("put", ["warm-up"], [b"x" * 100])
                client.put(["warm-up"], [b"x" * 100])
            client.prepare("get", ["warm-up"], [b"x" * 100])
            client.get(["warm-up"])
    except UnsupportedError:
        pass


def control(task: dict[str, object], method: str) -> list[object]:
    """Ask the scripted server what it has seen, or tell it to forget that."""
    url = f"{task['control']}/__control/requests"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(url, method=method)) as answer:  # noqa: S310
        return json.load(answer) or []


def main() -> None:
    task = json.loads(sys.argv[1])
    client = make(task["client"], Place(**task["place"]))
    try:
        if client.warms_up:
            warm_up(client, task)
        verb = Verb(client, task)
        if task["control"]:
            control(task, "DELETE")
            measured(client, verb.call)
            print(json.dumps({"requests": len(control(task, "GET"))}))
            return
        told = {"first": verb.run()}
        if task["again"]:
            told["again"] = verb.run()
        print(json.dumps(told))
    except UnsupportedError:
        print(json.dumps({"unsupported": True}))


main()

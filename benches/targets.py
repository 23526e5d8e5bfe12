"""What this library set out to reach, and how far a run says it is. Figures are minima."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cases import ALIGNED, OURS, STREAMED
from figures import MIB, best_peer, spread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MANY, ONE = "64 x 8 MiB", "1 x 512 MiB"
CORES = os.cpu_count() or 1
STREAM_LIMIT_MIB = 1024
"""The default of memory_limit."""


class AbsentError(Exception):
    """The run did not measure what a target is about."""


@dataclass(frozen=True)
class Finding:
    """One comparison with one limit."""

    what: str
    figure: float
    limit: float
    at_most: bool = True

    @property
    def holds(self) -> bool:
        return self.figure <= self.limit if self.at_most else self.figure >= self.limit

    def text(self) -> str:
        sign = "<=" if self.at_most else ">="
        return f"{self.what}: {self.figure:.3g} ({sign} {self.limit:.3g})"


class Run:
    """The record, asked by name."""

    def __init__(self, record: dict[str, Any]) -> None:
        self.cases = {case["name"]: case for case in record["cases"]}

    def case(self, name: str) -> dict[str, Any]:
        if name not in self.cases:
            raise AbsentError(name)
        found: dict[str, Any] = self.cases[name]
        return found

    def cpu(self, name: str, client: str = OURS, call: str = "first") -> float:
        return self.low(name, client, "cpu", call) * float(self.case(name)["scale"])

    def low(self, name: str, client: str, key: str, call: str = "first") -> float:
        found = spread(self.case(name), client, key, call)
        if found is None:
            raise AbsentError(f"{name}, {client}")
        return found.low

    def peak(self, name: str, client: str) -> float:
        """MiB by which memory grew, at most."""
        runs = self.case(name)["runs"].get(client, ())
        if not runs:
            raise AbsentError(f"{name}, {client}")
        return max(float(run["first"]["peak"]) for run in runs) / MIB

    def best(self, name: str, key: str = "cpu", call: str = "first") -> float:
        case = self.case(name)
        found = best_peer(case, key, call)
        if found is None:
            raise AbsentError(f"{name}, any peer")
        return found[1] * (case["scale"] if key == "cpu" else 1)


def plain_get(run: Run) -> Iterator[Finding]:
    for size in (MANY, ONE):
        name = f"s3-static: get {size}"
        floor = run.cpu(name, "floor")
        yield Finding(f"CPU {size}, first call", run.cpu(name), 1.5 * floor)
        yield Finding(f"CPU {size}, again", run.cpu(name, call="again"), 1.5 * floor)
        for call in ("first", "again"):
            share = run.cpu(name, call=call) / run.best(name, call=call)
            yield Finding(f"CPU {size}, {call} call, of the best peer", share, 0.4)
        for call in ("first", "again"):
            wall = run.low(name, OURS, "wall", call) / run.best(name, "wall", call)
            yield Finding(f"wall {size}, {call} call, of the best peer", wall, 1.0)


def plain_put(run: Run) -> Iterator[Finding]:
    for size in (MANY, ONE):
        name = f"s3: put {size}"
        yield Finding(f"CPU {size}", run.cpu(name), 1.5 * run.cpu(name, "floor") + 0.06)
        yield Finding(f"CPU {size}, of obstore", run.cpu(name) / run.cpu(name, "obstore"), 0.4)


def secure_get(run: Run) -> Iterator[Finding]:
    name = f"tls: get {MANY}"
    limit = 2 * (run.cpu(f"s3-static: get {MANY}", "floor") + 0.10)
    yield Finding("CPU, first call", run.cpu(name), limit)
    yield Finding("CPU, again", run.cpu(name, call="again"), limit)


def small(run: Run) -> Iterator[Finding]:
    for verb in ("put", "get", "stat", "delete"):
        name = f"small: {verb} 1,000 x 4 KiB"
        yield Finding(f"{verb}, times the best peer", run.best(name) / run.cpu(name), 2.0, False)


def listing(run: Run) -> Iterator[Finding]:
    name = "list: list 100,000 objects"
    yield Finding("CPU s", run.cpu(name), 0.2)
    yield Finding("peak MiB, streamed", run.peak(name, STREAMED), 8)


def files(run: Run) -> Iterator[Finding]:
    for group, measure in (("file", "fio"), ("direct", "fio direct")):
        for verb in ("put", "get"):
            name = f"{group}: {verb} 1 x 1 GiB"
            # A file is read into memory that is there, by fio and by a second call of ours.
            call = "again" if verb == "get" else "first"
            # Nor does fio copy what it writes past the page cache: its memory is aligned.
            ours = ALIGNED if (group, verb) == ("direct", "put") else OURS
            speed = run.low(name, measure, "wall") / run.low(name, ours, "wall", call)
            yield Finding(f"{group} {verb}, speed of fio", speed, 0.9, at_most=False)
            if group == "direct":
                yield Finding(f"CPU {verb}", run.cpu(name, ours, call), 0.03)


def checkpoints(run: Run) -> Iterator[Finding]:
    # MinIO takes cores from the codec; files take none.
    for group, place in (("checkpoint", "MinIO"), ("checkpoint-direct", "direct")):
        for verb, word in (("put", "save"), ("get", "load")):
            name = f"{group}: {verb} {ONE}"
            wire = run.low(name, OURS, "wall")
            raw = wire / run.low(name, "checkpoint raw", "wall")
            yield Finding(f"{place}, raw {word}, speed of {verb}", raw, 0.9, at_most=False)
            codec = run.low(name, "zstd on one core", "wall") / CORES
            packed = max(codec, wire) / run.low(name, "checkpoint zstd 3", "wall")
            what = f"{place}, zstd {word}, speed of codec or wire"
            yield Finding(what, packed, 0.9, at_most=False)


def verified(run: Run) -> Iterator[Finding]:
    name = f"verify: get {MANY}"
    for call in ("first", "again"):
        cost = run.cpu(name, OURS, call) - run.cpu(name, "s3dlio, unverified", call)
        yield Finding(f"CPU s/GiB more, {call} call", cost, 0.04)


def importing(run: Run) -> Iterator[Finding]:
    yield Finding("wall ms", run.low("import", OURS, "wall") * 1000, 50)
    brings = {each for one in run.case("import")["runs"][OURS] for each in one["brings"]}
    yield Finding("frameworks brought", len(brings), 0)


def memory(run: Run) -> Iterator[Finding]:
    for size in (MANY, ONE):
        name = f"s3-static: get {size}"
        case = run.case(name)
        more = run.peak(name, OURS) - case["count"] * case["size"] / MIB
        yield Finding(f"MiB over the destination, {size}", more, 64)
    yield Finding("MiB of a download", run.peak(f"s3: download {MANY}", OURS), STREAM_LIMIT_MIB)


TARGETS: dict[str, Callable[[Run], Iterator[Finding]]] = {
    "GET, plain http: CPU <= 1.5 x floor, <= 0.4 x the best peer; wall as the best peer": plain_get,
    "PUT with CRC: CPU <= 1.5 x floor + 0.06, <= 0.4 x obstore": plain_put,
    "GET over TLS: CPU <= 2 x (GET floor + 0.10)": secure_get,
    "4 KiB objects: operations per CPU second >= 2 x the best peer": small,
    "list 100,000 keys: CPU <= 0.2 s; constant memory when streamed": listing,
    "file, direct: >= 0.9 x fio; direct CPU <= 0.03 s/GiB": files,
    "checkpoints: raw >= 0.9 x put and get; zstd >= 0.9 x codec on all cores, or the wire": (
        checkpoints
    ),
    "verified reads: <= 0.04 s/GiB more": verified,
    "import: <= 50 ms, no framework": importing,
    "peak memory: of a get its destination + 64 MiB, of a stream the memory_limit": memory,
}


def rows(record: dict[str, Any]) -> list[str]:
    """A Markdown table: each target, each figure with its limit, and whether it holds."""
    run = Run(record)
    told = ["| target | figure (limit) | holds |", "|---|---|---|"]
    for target, find in TARGETS.items():
        try:
            findings = list(find(run))
        except AbsentError as absent:
            told.append(f"| {target} | not measured: {absent} | |")
            continue
        for index, finding in enumerate(findings):
            verdict = "yes" if finding.holds else "**no**"
            told.append(f"| {target if index == 0 else ''} | {finding.text()} | {verdict} |")
    return told

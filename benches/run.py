"""Compare this library with its peers on one S3 server, interleaved: ``make bench``.

Every round runs each client once, in a fresh process and in an order that changes, so that a noisy
machine hurts all of them alike. What counts are the ratios within one run.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from clients import BUCKET, CLIENTS

import s3dlio

MIB = 1 << 20
GIB = 1 << 30


@dataclass(frozen=True)
class Case:
    """So many objects of one size, written or read."""

    verb: str
    count: int
    size: int

    @property
    def name(self) -> str:
        unit = f"{self.size // MIB} MiB" if self.size >= MIB else f"{self.size // 1024} KiB"
        return f"{self.verb} {self.count} x {unit}"

    @property
    def gib(self) -> float:
        return self.count * self.size / GIB


CASES = (
    Case("put", 64, 8 * MIB),
    Case("get", 64, 8 * MIB),
    Case("put", 1, 1024 * MIB),
    Case("get", 1, 1024 * MIB),
    Case("put", 1000, 4 * 1024),
    Case("get", 1000, 4 * 1024),
)


def measure(client: str, case: Case) -> dict[str, float]:
    """One fresh process."""
    child = Path(__file__).with_name("child.py")
    command = [sys.executable, str(child), client, case.verb, str(case.count), str(case.size)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{client}, {case.name}: {done.stderr}")
    result: dict[str, float] = json.loads(done.stdout)
    return result


def table(case: Case, figures: dict[str, list[dict[str, float]]]) -> list[str]:
    """Rows of a Markdown table: minimum / median of each figure, and the ratio of the medians."""
    small = case.size < MIB
    unit = "CPU ms/op" if small else "CPU s/GiB"
    scale = 1000 / case.count if small else 1 / case.gib
    rows = [
        f"### {case.name}",
        "",
        f"| client | {unit} | wall s | peak MiB | CPU against s3dlio |",
        "|---|---|---|---|---|",
    ]

    def both(runs: list[dict[str, float]], key: str, factor: float, digits: int) -> str:
        values = [run[key] * factor for run in runs]
        return f"{min(values):.{digits}f} / {statistics.median(values):.{digits}f}"

    own = statistics.median(run["cpu"] for run in figures["s3dlio"])
    for client, runs in figures.items():
        ratio = statistics.median(run["cpu"] for run in runs) / own
        cpu, wall = both(runs, "cpu", scale, 2), both(runs, "wall", 1, 2)
        peak = max(run["peak"] for run in runs) / MIB
        rows.append(f"| {client} | {cpu} | {wall} | {peak:.0f} | {ratio:.1f} x |")
    return [*rows, ""]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--case", help="only cases whose name holds this")
    parser.add_argument("--output", type=Path, help="also write the Markdown here")
    options = parser.parse_args()

    s3dlio.create_bucket(f"s3://{BUCKET}/")
    lines = [
        (
            f"{platform.machine()}, {os.cpu_count()} cores shared with the server (MinIO), "
            f"{datetime.now(UTC):%Y-%m-%d}, {options.rounds} rounds, minimum / median."
        ),
        "",
    ]
    for case in CASES:
        if options.case and options.case not in case.name:
            continue
        if case.verb == "get":
            measure("s3dlio", Case("put", case.count, case.size))
        figures: dict[str, list[dict[str, float]]] = {client: [] for client in CLIENTS}
        for _ in range(options.rounds):
            for client in random.sample(list(CLIENTS), len(CLIENTS)):
                figures[client].append(measure(client, case))
        rows = table(case, figures)
        print("\n".join(rows), flush=True)
        lines += rows
    if options.output:
        options.output.write_text("\n".join(lines))


if __name__ == "__main__":
    main()

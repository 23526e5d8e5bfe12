"""Compare this library with its peers: ``make bench``.

Every round runs each client once, in a fresh process and in an order that changes, so that a noisy
machine hurts all of them alike. What counts are the ratios within one run.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shlex
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import environments
import machine
import report
import s3dlio
from cases import CASES, OURS, S3_PEERS, Case
from peers import PEERS, Place
from services import AZ_ROOT, BUCKET, S3_ROOT, MissingError, Service, Services, bypass_proxies, need

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = Path(__file__).parent
LIMIT_S = 300
"""A client that takes longer has hung; its case goes on without it."""
COUNTED = 8
"""Objects of which the requests are counted: enough for the number of one."""


class FailedError(Exception):
    """A client could not be measured."""


# What goes wrong around a case leaves it without figures; those after it are measured all the same.
BROKEN = (MissingError, FailedError, s3dlio.StorageError, OSError, RuntimeError)


def child(client: str, case: Case, service: Service, control: str | None = None) -> dict[str, Any]:
    """One fresh process.

    Raises:
        FailedError: It ended otherwise than with figures.
    """
    try:
        python = environments.python_of(client)
        environment = {**os.environ, **bypass_proxies(), **service.environment}
        if python != sys.executable:
            environment.pop("PYTHONPATH", None)  # of another environment
        if client == "s5cmd":
            environment["S3DLIO_BENCH_S5CMD"] = environments.s5cmd()
        if client.startswith("fio"):
            need("fio", "fio")
    except (environments.NotInstalledError, MissingError) as error:
        raise FailedError(str(error)) from None
    if "S3_ENDPOINT_URL" not in environment:
        environment["S3_ENDPOINT_URL"] = environment.get("AWS_ENDPOINT_URL", "")
    place = Place(service.root, case.in_flight, service.anonymous)
    task = {**asdict(case), "client": client, "place": asdict(place), "control": control}
    if case.verb == "import":
        command = [python, str(HERE / "import_time.py"), str(PEERS[client].imports)]
    else:
        command = [python, str(HERE / "child.py"), json.dumps(task)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env=environment, timeout=LIMIT_S
        )
    except subprocess.TimeoutExpired:
        raise FailedError(f"no end after {LIMIT_S} s") from None
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [f"exit {done.returncode}"]
        raise FailedError(lines[-1][:200])
    if case.verb == "import":
        wall, cpu, peak, *brings = done.stdout.split()
        used = {"wall": float(wall), "cpu": float(cpu), "peak": int(peak), "faults": 0}
        return {"first": used, "brings": brings}
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def measure(case: Case, services: Services, rounds: int) -> dict[str, Any]:
    """All rounds of one case: figures by client, and why a client has none."""
    told: dict[str, Any] = {**asdict(case), "runs": {}, "failures": {}, "requests": {}}
    clients = list(case.clients)
    try:
        service = services.get(case.service) if case.service else Service("")
        prepare(case, service, services)
    except BROKEN as error:
        told["failures"] = dict.fromkeys(clients, str(error))
        return told
    for turn in range(rounds):
        for client in random.sample(clients, len(clients)):
            if sys.stderr.isatty():
                print(
                    f"\r\033[K{case.name}: {turn + 1}/{rounds}: {client}", end="", file=sys.stderr
                )
            if case.verb == "put":
                services.clear()
            try:
                found = child(client, case, service)
            except FailedError as error:
                told["failures"][client] = str(error)
                clients.remove(client)
                continue
            if "unsupported" in found:
                clients.remove(client)
            else:
                told["runs"].setdefault(client, []).append(found)
    if case.counted:
        try:
            count_requests(case, services, told)
        except BROKEN as error:
            told["failures"]["requests"] = str(error)
    return told


def prepare(case: Case, service: Service, services: Services) -> None:
    """Have the objects there that will be read."""
    if service.directory is not None:
        services.place(service, case.count, case.size)
        return
    if case.verb == "list":
        assert service.server is not None
        order = {"bucket": BUCKET, "count": case.count, "size": 0, "prefix": f"{case.count}x0/"}
        service.server.call("POST", "/synthetic", order)
        return
    if service.server is not None:
        create_there(service)
    if case.verb in {"get", "stat", "download"}:
        savers = (OURS, *(each for each in case.clients if each.startswith("checkpoint")))
        for client in savers:
            child(client, replace(case, verb="put"), service)


def create_there(service: Service) -> None:
    """The bucket at a scripted server, which begins empty."""
    assert service.server is not None
    s3dlio.create_bucket(service.root, options=service.server.options)


def count_requests(case: Case, services: Services, told: dict[str, Any]) -> None:
    """How many requests each client needs, asked of a scripted server, outside all rounds."""
    service = services.get("scripted")
    assert service.server is not None
    service.server.reset()
    create_there(service)
    few = replace(case, count=min(case.count, COUNTED))
    child(OURS, replace(few, verb="put"), service)
    for client in told["runs"]:
        if client != OURS and client not in S3_PEERS:
            continue
        try:
            found = child(client, few, service, service.server.control)
        except FailedError as error:
            told["failures"][f"{client}, requests"] = str(error)
            continue
        told["requests"][client] = found["requests"] / few.count


def chosen(options: argparse.Namespace) -> list[Case]:
    """The cases that the options name."""
    found = [
        case
        for case in CASES
        if (not options.case or options.case in case.name)
        and (not options.group or case.group in options.group)
    ]
    if not found:
        groups = ", ".join(dict.fromkeys(case.group for case in CASES))
        sys.exit(f"no such case; groups are {groups}")
    return found


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="make bench ARGS=", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="fresh processes of each client")
    parser.add_argument("--case", help="only cases whose name holds this")
    parser.add_argument("--group", action="append", help="only this group; may be repeated")
    parser.add_argument("--record", type=Path, help="write all figures here, as JSON")
    parser.add_argument("--render", type=Path, help="measure nothing, take these figures")
    parser.add_argument("--output", type=Path, help="write the page here, as Markdown")
    parser.add_argument("--chart", type=Path, help="write the chart here, as SVG")
    options = parser.parse_args(arguments)
    if options.render:
        record = json.loads(options.render.read_text())
    else:
        record = measure_all(chosen(options), options)
    if options.output:
        options.output.write_text(report.page(record, options.chart))
    if options.chart:
        import chart  # noqa: PLC0415 - matplotlib is slow to import

        chart.write(record, options.chart)
    broken = [case for case in record["cases"] if OURS not in case["runs"]]
    for case in broken:
        print(f"{case['name']}: {case['failures'].get(OURS)}", file=sys.stderr)
    return 1 if broken else 0


def measure_all(cases: Sequence[Case], options: argparse.Namespace) -> dict[str, Any]:
    """Measure; print and record each case as soon as it is known."""
    chosen_by = [f"--rounds={options.rounds}"]
    chosen_by += [f"--case={options.case}"] if options.case else []
    chosen_by += [f"--group={group}" for group in options.group or ()]
    record: dict[str, Any] = {
        "machine": machine.describe(),
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "command": f"make bench ARGS={shlex.quote(shlex.join(chosen_by))}",
        "rounds": options.rounds,
        "versions": {client: environments.version_of(client) for client in PEERS},
        "cases": [],
    }
    s3dlio.create_bucket(S3_ROOT)
    s3dlio.create_bucket(AZ_ROOT)
    with ExitStack() as stack:
        services = Services(stack)
        for case in cases:
            told = measure(case, services, options.rounds)
            told.update(name=case.name, scale=case.scale, unit=case.unit)
            record["cases"].append(told)
            if sys.stderr.isatty():
                print("\r\033[K", end="", file=sys.stderr)
            print("\n".join(report.table(told)), flush=True)
            if options.record:
                options.record.write_text(json.dumps(record, indent=1) + "\n")
    return record


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

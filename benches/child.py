"""One measurement in a process of its own: ``python child.py CLIENT VERB COUNT SIZE``.

Prints a JSON object with seconds of wall and CPU time of the timed part (user and system, this
process only) and the peak of resident memory in bytes. The bytes are checked outside that part.
"""

from __future__ import annotations

import json
import random
import resource
import sys
import time

from clients import CLIENTS


def cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    name, verb, count, size = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    client = CLIENTS[name]()
    body = random.Random(size).randbytes(size)  # noqa: S311 - the same bytes in every process
    keys = [f"{count}x{size}/{i}" for i in range(count)]
    # Connections and lazy imports belong to nobody's figure.
    client.put(["warm-up"], b"x" * 100)
    client.get(["warm-up"])

    wall, cpu = time.perf_counter(), cpu_seconds()
    got = client.get(keys) if verb == "get" else client.put(keys, body)
    wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if got is None:
        got = client.get(keys[-1:])
    for each in got:
        if memoryview(each) != body:  # type: ignore[arg-type]
            sys.exit(f"{name}: wrong bytes")
    print(json.dumps({"wall": wall, "cpu": cpu, "peak": peak}))


main()

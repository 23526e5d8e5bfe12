"""Count the instructions of the hot paths, and fail where one needs more: ``make bench-guard``.

Callgrind counts what the client's process executes, which no load of the machine touches. Each
path runs a few and many times; the difference tells of one time. Under valgrind older instructions
stand in for those of the newest extensions, so the counts are no figures of speed.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from support import TestServer, running

ROOT = Path(__file__).parents[1]
LIMITS = Path(__file__).with_name("guard.json")
FEW, MANY = 10, 60
IN_MEMORY = ("sign", "head", "uri", "crc", "combine")
REMOTE = ("put", "get", "stat", "list")
KEYS = {"bucket": "guard", "count": 1000, "size": 0, "prefix": "keys/"}


def program() -> str:
    """Build the program that runs a path, and return its path."""
    # Beside the extension module: dependencies have the wheel's features then, and are built once.
    packages = ["--package", "s3dlio-python", "--package", "s3dlio-bench", "--bin", "s3dlio-bench"]
    features = ["--features", "s3dlio-python/extension-module", "--release"]
    build = ["cargo", "build", "--quiet", *packages, *features, "--message-format=json"]
    done = subprocess.run(build, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    made = (json.loads(line) for line in done.stdout.splitlines())
    return next(str(one["executable"]) for one in made if one.get("executable"))


def instructions(guard: str, *arguments: str) -> int:
    """What one process executes."""
    valgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    done = subprocess.run(
        [*valgrind, guard, *arguments], capture_output=True, text=True, check=False
    )
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or found is None:
        sys.exit(f"guard {' '.join(arguments)}: exit {done.returncode}\n{done.stderr}")
    return int(found[1])


def count(guard: str, path: str, server: TestServer) -> int:
    """Instructions of one time."""
    endpoint = [server.endpoint] if path in REMOTE else []
    few, many = (instructions(guard, path, str(times), *endpoint) for times in (FEW, MANY))
    return (many - few) // (MANY - FEW)


def serve(stack: ExitStack, guard: str) -> TestServer:
    """A server that has what the paths ask for."""
    server = stack.enter_context(running("s3"))
    server.call("POST", "/synthetic", KEYS)
    subprocess.run([guard, "put", "1", server.endpoint], check=True)
    return server


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench-guard ARGS=", description=__doc__)
    parser.add_argument("--update", action="store_true", help="take what is counted as the limits")
    options = parser.parse_args()
    if shutil.which("valgrind") is None:
        sys.exit("bench-guard: no valgrind (Debian package valgrind)")
    guard = program()
    stored = json.loads(LIMITS.read_text())
    with ExitStack() as stack:
        server = serve(stack, guard)
        counts = {path: count(guard, path, server) for path in (*IN_MEMORY, *REMOTE)}
    if options.update:
        stored["instructions"] = counts
        LIMITS.write_text(json.dumps(stored, indent=2) + "\n")
    over = []
    for path, counted in counts.items():
        ratio = counted / stored["instructions"][path]
        print(f"{path:8}{counted:>12,} instructions, {ratio:.3f} of what is stored")
        if ratio > 1 + stored["tolerance"]:
            over.append(path)
    if over:
        print(f"bench-guard: more than before: {', '.join(over)}", file=sys.stderr)
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())

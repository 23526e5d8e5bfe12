"""A transfer that is killed midway, as a crash would end it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CHILD = """
import ast, sys
import s3dlio as s3

verb, source, target, options = sys.argv[1:]
getattr(s3, verb)(source, target, options=ast.literal_eval(options))
"""
PARTS = 3


def kill_midway(verb: str, source: str, target: str, options: dict[str, object]) -> int:
    """Run a transfer, kill it when a few parts are noted, and tell how many are.

    Args:
        verb: `upload` or `download`.
        source: Its first argument.
        target: Its second argument; a download's notes are there, an upload's in `journal_dir`.
        options: The options of the call.
    """
    journals = Path(str(options["journal_dir"]) if verb == "upload" else target)

    def noted() -> int:
        lines = [path.read_bytes().count(b"\n") for path in journals.glob(".s3dlio-*.journal")]
        return max(lines, default=1) - 1

    arguments = [verb, source, target, repr(options)]
    with subprocess.Popen([sys.executable, "-c", CHILD, *arguments]) as child:
        while noted() < PARTS:
            assert child.poll() is None, "it ended before it could be killed"
        child.kill()
    return noted()

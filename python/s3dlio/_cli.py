"""The console script `s3-cli`: the native command line tool with Python's arguments."""

from __future__ import annotations

import signal
import sys

from s3dlio import _s3dlio


def main() -> int:
    """Runs the command line tool.

    Returns:
        The exit code.
    """
    # The tool hears Ctrl-C itself; Python's handler would only add a KeyboardInterrupt to its end.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _s3dlio.run_cli(sys.argv)


if __name__ == "__main__":
    sys.exit(main())

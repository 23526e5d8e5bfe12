"""The native command line tool with Python's arguments."""

from __future__ import annotations

import signal
import sys


def main() -> int:
    """Runs the command line tool.

    Returns:
        The exit code.
    """
    # The tool hears Ctrl-C itself, once it has begun. Python's handler would only show a traceback.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from s3dlio import _s3dlio  # noqa: PLC0415 - it takes a while

    return _s3dlio.run_cli(sys.argv)


if __name__ == "__main__":
    sys.exit(main())

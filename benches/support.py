"""What the tests have already: where downloads are kept, servers, and how they end with us."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from servers import _end_with_parent as end_with_parent
from servers import cache_dir
from testserver import TestServer, running

__all__ = ["TestServer", "cache_dir", "end_with_parent", "running"]

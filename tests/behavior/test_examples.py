"""The examples of the documentation print what they promise, on every back end with a process."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from behavior.place import Place

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
MIB = 1 << 20
OBJECTS = 7
SIZE = MIB + MIB // 2

VERBS = """\
=== Sync LIST ===
Found 1 objects under {base} in _s

=== Sync PUT ===
Uploaded 7 objects (10.50 MiB) in _s -> _ ops/s, _ MiB/s

=== Sync STAT ===
Stat for {base}object_0_of_7.dat:
  size: 1572864
  last_modified: {stat[last_modified]}
  etag: {stat[etag]}
  content_type: {stat[content_type]}
  content_language: None
  storage_class: None
  metadata: {{}}
  version_id: None
  replication_status: None
  server_side_encryption: {stat[server_side_encryption]}
  ssekms_key_id: None
{tier}
=== Sync GET Many ===
Fetched 7 objects (10.50 MiB) in _s -> _ ops/s, _ MiB/s

=== Sync GET Many Stats ===
Stats: 7 objects, 11010048 bytes (10.50 MiB) in _s -> _ ops/s, _ MiB/s

=== Sync DELETE ===
Deleted test objects in _s

=== Async LIST ===
Found 1 objects under {base} in _s

=== Async PUT ===
Uploaded 7 objects (10.50 MiB) in _s -> _ ops/s, _ MiB/s

=== Async GET Many ===
Fetched 7 objects (10.50 MiB) in _s -> _ ops/s, _ MiB/s

=== Async GET Many Stats ===
Stats: 7 objects, 11010048 bytes (10.50 MiB) in _s -> _ ops/s, _ MiB/s

=== Async DELETE ===
Deleted test objects in _s
"""

REGEX = """\
--- Creating {kind} {name}... ---
--- Setting up test files in {where}... ---
Setup complete.

--- Testing s3dlio.list() ---
Non-recursive list found 2 items: ['test-recursive-py/data/', 'test-recursive-py/dummy1.txt']
Recursive list found 3 items: ['test-recursive-py/data/dummy2.txt', \
'test-recursive-py/data/logs/dummy3.txt', 'test-recursive-py/dummy1.txt']
✅ List tests passed!

--- Testing s3dlio.download() ---
Non-recursive download got: ['dummy1.txt']
Recursive download got: ['dummy1.txt', 'dummy2.txt', 'dummy3.txt']
✅ Download tests passed!

--- Cleaning up test files... ---
--- Deleting Empty {kind} {name}... ---
✅ Cleanup successful!
"""
PLACES = {"minio": ("S3 bucket", "S3"), "azurite": ("Azure container", "Azure")}

STAT_LINE = re.compile(r"^  (\w+): (.*)$", re.MULTILINE)


@pytest.fixture
def reachable(place: Place) -> Place:
    if place.target == "memory":
        pytest.skip("another process has another memory")
    return place


def run(example: str, *arguments: str) -> str:
    """What an example prints; it must end well."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / example), *arguments],
        env={**os.environ, "PYTHONUTF8": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_verbs_prints_every_verb(reachable: Place) -> None:
    place = reachable
    place.put("p/other", b"x")

    said = run("verbs.py", place.uri("p/"), "--objects", str(OBJECTS), "--size", str(SIZE))

    stat = dict(STAT_LINE.findall(said))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", stat["last_modified"])
    assert re.fullmatch(r'".+"', stat["etag"])
    tier = f"  tier: {stat['tier']}\n" if place.target == "azurite" else ""
    timeless = re.sub(r"in \d+\.\d\ds", "in _s", said)
    timeless = re.sub(r"-> [0-9.]+ ops/s, [0-9.]+ MiB/s", "-> _ ops/s, _ MiB/s", timeless)
    assert timeless == VERBS.format(base=place.uri("p/"), stat=stat, tier=tier)
    assert place.names() == ["p/other"]


def test_regex_prints_its_lists(reachable: Place) -> None:
    place = reachable
    base = place.uri("new/") if place.local else place.base.rstrip("/") + "-new/"
    kind, where = PLACES.get(place.target, ("directory", "files"))
    name = base.rstrip("/").rpartition("/")[2]

    for given in (base, base.rstrip("/")):
        assert run("regex.py", given) == REGEX.format(kind=kind, where=where, name=name)

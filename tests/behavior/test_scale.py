"""Many keys and large trees, in bounded memory; SCALE=full has the sizes that take minutes."""

from __future__ import annotations

import filecmp
import json
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import s3dlio as s3
import testserver
from behavior.killed import kill_midway
from behavior.place import PART

if TYPE_CHECKING:
    from collections.abc import Iterator

    from behavior.place import Place

HOUR = 3600
LEFT_OVER = ".s3dlio-*.tmp"
MIB = 1 << 20

# Of this program alone: the kernel's usage records begin with what the parent had.
HIGH_WATER = """
import ast, json, sys
import s3dlio as s3

def high_water():
    with open("/proc/self/status") as status:
        kibibytes = next(line.split()[1] for line in status if line.startswith("VmHWM"))
    return int(kibibytes) >> 10
"""

# Scans, asks and deletes; prints how many, how long, and how much memory that took.
KEYS = """
import itertools, time

base, options = sys.argv[1], ast.literal_eval(sys.argv[2])
seconds, peak = {}, {}

def uris():
    for entry in s3.scan(base, True, options=options):
        yield base + entry.key.removeprefix(sys.argv[3])

def step(name, work):
    start = time.perf_counter()
    result = work()
    seconds[name] = round(time.perf_counter() - start, 1)
    peak[name] = high_water()
    return result

def scan():
    count, last = 0, ""
    for entry in s3.scan(base, True, options=options):
        assert last < entry.key and entry.size == 1, (last, entry)
        count, last = count + 1, entry.key
    return count

def stat():
    count, names = 0, uris()
    while chunk := list(itertools.islice(names, 5000)):
        found = s3.stat_many(chunk, options=options)
        assert [uri for uri, _ in found] == chunk
        assert all(entry["size"] == 1 for _, entry in found)
        count += len(found)
    return count

counts = [step("scan", scan), step("stat", stat)]
counts.append(step("delete", lambda: s3.delete(base, options=options)))
assert next(s3.scan(base, True, options=options), None) is None
print(json.dumps({"counts": counts, "seconds": seconds, "peak_mib": peak}))
"""
KEYS_PEAK_MIB = 200

# A transfer; prints its report and how much memory it took.
TRANSFER = """
verb, source, target, options = sys.argv[1:]
report = getattr(s3, verb)(source, target, options=ast.literal_eval(options))
print(json.dumps({"files": report.files, "bytes": report.bytes, "resumed": report.resumed,
    "seconds": round(report.elapsed_s, 1), "peak_mib": high_water()}))
"""
TRANSFER_PEAK_MIB = 600


def child(program: str, *arguments: str) -> dict[str, Any]:
    """Run a program in a process of its own, and return what it prints."""
    command = [sys.executable, "-c", HIGH_WATER + program, *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=HOUR)
    print(done.stdout)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def name(number: int) -> str:
    return f"d{number % 100:02}/{number:07}"


def make_keys(place: Place, count: int) -> None:
    """Put objects of one byte, by the fastest way there is."""
    if place.local:
        root = Path(place.base.partition("://")[2])
        for below in range(min(count, 100)):
            (root / f"d{below:02}").mkdir()
        for number in range(count):
            (root / name(number)).write_bytes(b"x")
        return
    s3.put_many(((place.uri(name(i)), b"x") for i in range(count)), options=place.options)


@pytest.mark.timeout(HOUR)
def test_many_keys_are_listed_asked_and_deleted(place: Place, scale: str) -> None:
    if place.target == "memory":
        pytest.skip("another process has another memory")
    quick, full = (300, 10_000) if place.target == "azurite" else (1500, 100_000)
    count = full if scale == "full" else quick
    make_keys(place, count)

    keys = s3.list(place.base, True, options=place.options)
    found = child(KEYS, place.base, repr(place.options), place.prefix)

    assert (len(keys), found["counts"]) == (count, [count] * 3)
    assert max(found["peak_mib"].values()) < KEYS_PEAK_MIB


@pytest.mark.timeout(HOUR)
@pytest.mark.parametrize(("service", "base"), [("s3", "s3://many/"), ("azure", "az:///many/")])
def test_a_million_keys_take_no_more_memory(service: str, base: str, scale: str) -> None:
    count = 1_000_000 if scale == "full" else 12_000
    with testserver.running(service) as server:
        server.call("POST", "/synthetic", {"bucket": "many", "count": count, "size": 1})

        keys = s3.list(base, True, options=server.options)
        found = child(KEYS, base, repr(server.options), "")

    assert (len(keys), found["counts"]) == (count, [count] * 3)
    assert max(found["peak_mib"].values()) < KEYS_PEAK_MIB


@pytest.fixture
def work(tmp_path: Path) -> Iterator[Path]:
    """A directory that is gone after the test; pytest would keep it for a while."""
    work = tmp_path / "work"
    work.mkdir()
    yield work
    shutil.rmtree(work)


def make_tree(work: Path, scale: str) -> Path:
    """Many small files in many directories, and a large one beside them."""
    small, large = (20_000, 5 << 30) if scale == "full" else (200, 12 * PART)
    tree, options = work / "tree", {"durable": False}
    s3.generate(f"file://{work}/", size=4 * MIB, seed=1, template="data", options=options)
    data = (work / "data").read_bytes()
    for number in range(small):
        path = tree / f"d{number % 97}" / f"e{number % 13}" / str(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data[number : number + number % 8000])
    s3.generate(f"file://{tree}/", size=large, seed=2, template="large", options=options)
    return tree


def differences(left: Path, right: Path) -> list[str]:
    """Names that are not files of the same bytes in both trees.

    What a killed program had begun to write is left under a hidden name, which is none of them.
    """
    names = {
        path.relative_to(root).as_posix()
        for root in (left, right)
        for path in root.rglob("*")
        if not path.is_dir() and not fnmatch(path.name, LEFT_OVER)
    }
    _, differing, unread = filecmp.cmpfiles(left, right, names, shallow=False)
    return sorted([*differing, *unread])


@pytest.mark.timeout(HOUR)
@pytest.mark.parametrize("place", ["file", "minio"], indirect=True)
def test_a_large_tree_that_is_killed_goes_on(place: Place, work: Path, scale: str) -> None:
    tree, target, journals = make_tree(work, scale), work / "target", work / "journals"
    files = sum(path.is_file() for path in tree.rglob("*"))
    journals.mkdir()
    there = place.uri("p/")
    options = {**place.options, "journal_dir": str(journals)}
    if place.local:  # notes lie beside the file that is written
        options["journal_dir"] = there.partition("://")[2]

    noted = kill_midway("upload", f"{tree}", there, options)
    up = child(TRANSFER, "upload", f"{tree}", there, repr(options))
    assert up["files"] == files
    assert up["resumed"] >= noted * PART

    planned = s3.sync(tree, there, compare="checksum", dry_run=True, options=options)
    assert (planned.actions, planned.skipped) == ([], files)

    noted = kill_midway("download", there, str(target), options)
    down = child(TRANSFER, "download", there, str(target), repr(options))
    assert down["files"] == files
    assert down["resumed"] >= noted * PART

    assert differences(tree, target) == []
    if place.local:  # a directory with a hidden name in it is not empty
        for left in Path(place.base.partition("://")[2]).rglob(LEFT_OVER):
            left.unlink()
    assert max(up["peak_mib"], down["peak_mib"]) < TRANSFER_PEAK_MIB

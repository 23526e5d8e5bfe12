"""A scan holds one page, asks for the next when it is needed, and for nothing after that."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

import s3dlio as s3
from python.child import run
from python.listing import PAGE, Server

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1 << 20
MARGIN = 16 * MIB

SCAN = """
import asyncio, json, sys
import s3dlio as s3
options, kind = json.loads(sys.argv[1])
def peak():
    with open("/proc/self/status") as status:
        (line,) = (line for line in status if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024
entries = s3.scan("s3://bucket/", True, options=options)
next(entries)
before = peak()
count, size = 1, 0
async def twin():
    global count
    async for entry in s3.scan_async("s3://bucket/", True, options=options):
        count += 1
kept = []
if kind == "async":
    asyncio.run(twin())
    count -= 1
elif kind == "list":
    kept = list(entries)
    count += len(kept)
else:
    for entry in entries:
        count += 1
print(count, peak() - before)
"""


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_million_entries_take_the_memory_of_a_page(kind: str, scale: str) -> None:
    total = 1_000_000 if scale == "full" else 100_000
    with Server(total) as server:
        count, grown = map(int, run(SCAN, json.dumps([server.options, kind]), deadline=280).split())

    print(f"{kind}: {count} entries, the peak grew by {grown / MIB:.1f} MiB")
    assert count == total
    assert grown < MARGIN


def test_the_measure_shows_entries_that_are_kept() -> None:
    with Server(100_000) as server:
        count, grown = map(int, run(SCAN, json.dumps([server.options, "list"])).split())

    assert count == 100_000
    assert grown > MARGIN


TREE = """
import json, sys
from pathlib import Path
import s3dlio as s3
root, kind = json.loads(sys.argv[1])
def peak():
    with open("/proc/self/status") as status:
        (line,) = (line for line in status if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024
assert len(list(s3.scan(root + "d0/", True))) == 500
before = peak()
entries = s3.scan(root, True)
last, count, kept = "", 0, []
for entry in entries:
    assert last < entry.key, (last, entry.key)
    last = entry.key
    count += 1
    if kind == "list":
        kept.append(entry)
print(count, peak() - before)
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory, scale: str) -> tuple[Path, int]:
    """A tree of many files in directories whose names sort otherwise than their keys do."""
    root = tmp_path_factory.mktemp("tree")
    count = 1_000_000 if scale == "full" else 100_000
    each = 500
    for number in range(count // each):
        # `d1-x/f` comes before `d1/f`.
        directory = root / f"d{number // 2}{'-x' if number % 2 else ''}"
        directory.mkdir()
        for file in range(each):
            (directory / f"f{file}").touch()
    return root, count


@pytest.mark.parametrize("scheme", ["file", "direct"])
def test_files_take_the_memory_of_a_page(tree: tuple[Path, int], scheme: str) -> None:
    root, total = tree
    count, grown = map(
        int, run(TREE, json.dumps([f"{scheme}://{root}/", "each"]), deadline=280).split()
    )

    print(f"{scheme}: {count} entries, the peak grew by {grown / MIB:.1f} MiB")
    assert count == total
    assert grown < MARGIN


def test_files_that_are_kept_show(tree: tuple[Path, int]) -> None:
    root, total = tree
    count, grown = map(int, run(TREE, json.dumps([f"file://{root}/", "list"])).split())

    assert count == total
    assert grown > MARGIN


@pytest.mark.parametrize("scheme", ["file", "direct"])
def test_a_scan_of_files_goes_on_over_changes(tmp_path: Path, scheme: str) -> None:
    names = [f"d{i % 3}/k{i:05}" for i in range(2 * PAGE)]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    names.sort()
    entries = s3.scan(f"{scheme}://{tmp_path}/", True)

    shown = [next(entries).key for _ in range(PAGE)]
    (tmp_path / names[PAGE - 1]).unlink()
    (tmp_path / names[PAGE + 5]).unlink()
    (tmp_path / "d0" / "before").touch()
    shown += [entry.key for entry in entries]

    del names[PAGE + 5]
    assert [key.removeprefix(f"{tmp_path}/".lstrip("/")) for key in shown] == names


def test_pages_are_asked_for_as_they_are_needed() -> None:
    with Server(10 * PAGE) as server:
        entries = s3.scan("s3://bucket/", options=server.options)
        assert server.pages == 0
        for _ in range(PAGE):
            next(entries)
        assert server.pages == 1
        assert next(entries).key == "key-00001000"
        assert server.pages == 2
        entries.close()
        assert next(entries, None) is None
        assert server.pages == 2


def test_an_asynchronous_scan_that_is_left_stops() -> None:
    async def some(options: dict[str, object]) -> int:
        seen = 0
        async for entry in s3.scan_async("s3://bucket/", options=options):
            assert entry.size == seen
            seen += 1
            if seen == PAGE + 1:
                break
        return seen

    with Server(10 * PAGE) as server:
        assert asyncio.run(some(server.options)) == PAGE + 1
        assert server.pages == 2


def test_bad_input_is_told_at_once() -> None:
    with pytest.raises(s3.InvalidInputError, match="regular expression"):
        s3.scan("memory://b/", pattern="(")
    with pytest.raises(s3.InvalidInputError, match="scheme"):
        s3.scan("gs://b/")


def test_a_missing_bucket_is_told_by_the_first_entry() -> None:
    entries = s3.scan("memory://no-such-bucket/")

    with pytest.raises(s3.NotFoundError) as caught:
        next(entries)

    assert caught.value.uri == "memory://no-such-bucket/"


def test_an_entry_is_a_value() -> None:
    entry = s3.Entry("k", 5, '"e"', None)

    assert repr(entry) == "Entry(key='k', size=5, etag='\"e\"', last_modified=None)"
    assert entry == s3.Entry("k", 5, '"e"', None)
    match entry:
        case s3.Entry(key, size):
            assert (key, size) == ("k", 5)
    with pytest.raises(AttributeError):
        entry.size = 3  # type: ignore[misc]

"""Trees of files go up and come down, on every back end; what was killed goes on."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import s3dlio as s3
from behavior.killed import kill_midway
from behavior.place import PART

if TYPE_CHECKING:
    from typing import Literal

    from behavior.place import Place

FILES = {
    "empty": b"",
    "one": b"1",
    "deep/er/a b+c%20#": bytes(4096),
    "deep/ü": b"u" * 70_000,
    "large": bytes(range(256)) * ((2 * PART + 256) // 256),
}
MANY = 300


def write(root: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def read(root: Path) -> dict[str, bytes]:
    files = (path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def options_of(place: Place, **more: object) -> dict[str, object]:
    """Other options would lead to another client, whose memory is empty."""
    return place.options if place.target == "memory" else {**place.options, **more}


def test_a_tree_goes_up_and_comes_down(place: Place, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    write(source, FILES)
    options = options_of(place, journal_dir=tmp_path / "journals")

    up = s3.upload(source, place.uri("p/"), options=options)
    down = s3.download(place.uri("p/"), target, options=options)

    assert place.names() == sorted(f"p/{name}" for name in FILES)
    assert read(target) == FILES
    for report in (up, down):
        assert report.files == len(FILES)
        assert report.bytes == sum(map(len, FILES.values()))
        assert (report.resumed, report.skipped) == (0, 0)


def test_many_small_files_in_many_directories(place: Place, tmp_path: Path) -> None:
    files = {f"d{number % 7}/e{number % 3}/{number}": b"x" * number for number in range(MANY)}
    source, target = tmp_path / "source", tmp_path / "target"
    write(source, files)
    options = options_of(place, durable=False)

    s3.upload([source / "d[0-3]", source / "d[4-6]"], place.uri("p/"), options=options)
    s3.download(place.uri("p/"), target, options=options)

    assert read(target) == files


def test_one_level_of_a_prefix(place: Place, tmp_path: Path) -> None:
    for name in ("p/dummy1", "p/data/dummy2", "p/data/logs/dummy3"):
        place.put(name, name.encode())

    s3.download(place.uri("p/"), tmp_path / "one", recursive=False, options=place.options)
    s3.download(place.uri("p/"), tmp_path / "all", options=place.options)

    assert sorted(read(tmp_path / "one")) == ["dummy1"]
    assert sorted(read(tmp_path / "all")) == ["data/dummy2", "data/logs/dummy3", "dummy1"]


def test_a_sync_either_way(place: Place, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    write(source, FILES)
    there, options = place.uri("p"), place.options

    assert s3.sync(source, there, options=options).files == len(FILES)
    (source / "one").unlink()
    planned = s3.sync(source, there, delete=True, dry_run=True, options=options)
    assert planned.actions == [("delete", None, place.uri("p/one"))]
    assert s3.sync(source, there, delete=True, options=options).deleted == 1
    assert s3.sync(there, target, options=options).files == len(FILES) - 1

    assert read(target) == {name: data for name, data in FILES.items() if name != "one"}
    again = s3.sync(there, target, compare="checksum", options=options)
    assert (again.files, again.actions) == (0, [])


@pytest.mark.parametrize("compare", ["size", "size+mtime", "etag", "checksum"])
def test_what_is_compared_decides_what_is_copied(
    place: Place, tmp_path: Path, compare: Literal["size", "size+mtime", "etag", "checksum"]
) -> None:
    source, there, options = tmp_path / "source", place.uri("p/"), place.options
    write(source, {"file": b"first"})

    def copied(data: bytes, seconds: int) -> int:
        """Sync a file of that content and age, and tell how many were copied."""
        (source / "file").write_bytes(data)
        now = time.time()
        os.utime(source / "file", (now + seconds, now + seconds))
        return s3.sync(source, there, compare=compare, options=options).files

    assert copied(b"first", -3600) == 1
    # Only S3's etags tell of the bytes, and of a file the MD5 is computed.
    etags_say_nothing = compare == "etag" and place.target in {"azurite", "memory"}
    assert copied(b"first", -3600) == etags_say_nothing
    assert copied(b"longer", -3600) == 1
    # The same size: only what looks at bytes sees it, or at times.
    assert copied(b"other!", -3600) == (compare in {"etag", "checksum"})
    assert copied(b"other?", 3600) == (compare != "size")

    expected = b"longer" if compare == "size" else b"other?"
    assert place.get("p/file") == expected
    back = tmp_path / "back"
    assert s3.sync(there, back, compare=compare, options=options).files == 1
    again = s3.sync(there, back, compare=compare, options=options).files
    assert again == etags_say_nothing
    assert read(back) == {"file": expected}


PARTS = 30
LARGE = b"".join(number.to_bytes(4, "big") * (PART // 4) for number in range(PARTS)) + b"end"


def test_a_killed_upload_goes_on(place: Place, tmp_path: Path) -> None:
    if place.target == "memory":
        pytest.skip("objects in memory go with the process")
    source = tmp_path / "large"
    source.write_bytes(LARGE)
    journals = tmp_path / "journals"
    journals.mkdir()
    slowly = {**place.options, "concurrency": 1, "journal_dir": str(journals)}
    if place.local:
        journals = Path(place.uri("").removeprefix(f"{place.target}://"))
        slowly["journal_dir"] = str(journals)

    noted = kill_midway("upload", str(source), place.uri("large"), slowly)
    assert place.names() == []
    report = s3.upload(source, place.uri("large"), options=slowly)

    assert report.resumed >= noted * PART
    assert report.bytes == len(LARGE)
    assert place.get("large") == LARGE
    assert list(journals.glob(".s3dlio-*")) == []


def test_a_killed_download_goes_on(place: Place, tmp_path: Path) -> None:
    if place.target == "memory":
        pytest.skip("objects in memory go with the process")
    place.put("large", LARGE)
    target = tmp_path / "target"
    slowly = {**place.options, "concurrency": 1}

    noted = kill_midway("download", place.uri("large"), str(target), slowly)
    assert s3.list(f"file://{target}/") == []
    report = s3.download(place.uri("large"), target, options=slowly)

    assert report.resumed >= noted * PART
    assert read(target) == {"large": LARGE}

"""`upload`, `download` and `sync` as Python sees them: arguments, progress, interrupts, errors."""

from __future__ import annotations

import asyncio
import itertools
import os
import secrets
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

import s3dlio as s3
from python.child import DEADLINE, pickled, program, run
from python.stalling import Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def bucket() -> Iterator[str]:
    base = f"memory://files-{secrets.token_hex(4)}/"
    s3.create_bucket(base)
    yield base
    s3.delete(base)
    s3.delete_bucket(base)


def fill(root: Path, count: int = 5) -> Path:
    root.mkdir()
    for number in range(count):
        (root / f"{number}.bin").write_bytes(bytes(number))
    return root


def test_sources_are_paths_uris_and_lists_of_them(bucket: str, tmp_path: Path) -> None:
    root = fill(tmp_path / "src")

    s3.upload(root / "0.bin", bucket + "a/")
    s3.upload(str(root / "1.bin"), bucket + "a/")
    s3.upload(f"file://{root}/2.bin", bucket + "a/")
    s3.upload((root / f"[{digit}].bin" for digit in "34"), bucket + "a/")
    s3.upload([root / "0.bin"], bucket + "b")

    assert s3.list(bucket, True) == [*(f"a/{number}.bin" for number in range(5)), "b"]
    for wrong in (3, [3], None):
        with pytest.raises(TypeError):
            s3.upload(wrong, bucket)  # type: ignore[arg-type]
    with pytest.raises(s3.InvalidInputError, match="UTF-8"):
        s3.upload(os.fsdecode(b"no\xff"), bucket)
    with pytest.raises(s3.InvalidInputError, match="max_in_flight"):
        s3.download(bucket, tmp_path / "x", max_in_flight=0)


def test_a_missing_source_is_not_found(bucket: str, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nothing"):
        s3.upload(tmp_path / "nothing", bucket)
    with pytest.raises(FileNotFoundError, match="nothing"):
        s3.download(bucket + "nothing/", tmp_path)


def test_a_bucket_is_made_when_asked(tmp_path: Path) -> None:
    base = f"memory://made-{secrets.token_hex(4)}/"
    root = fill(tmp_path / "src")

    with pytest.raises(s3.NotFoundError, match="5 files failed"):
        s3.upload(root, base)
    assert s3.upload(root, base, create_bucket=True).files == 5


def test_unsafe_keys_are_listed_and_the_rest_comes(bucket: str, tmp_path: Path) -> None:
    for key in ("p/../up", "p/fine", "p/dir", "p/dir/file"):
        s3.put(bucket + key, b"x")

    with pytest.raises(s3.UnsafePathError) as caught:
        s3.download(bucket + "p/", tmp_path / "to")

    assert "2 files failed" in str(caught.value)
    assert "p/../up" in str(caught.value)
    assert caught.value.op == "download"
    assert isinstance(caught.value.report, s3.TransferReport)
    assert (caught.value.report.files, caught.value.report.bytes) == (2, 2)
    assert sorted(uri for uri, _ in caught.value.failures) == [bucket + "p/../up", bucket + "p/dir"]
    assert {type(failure) for _, failure in caught.value.failures} == {s3.UnsafePathError}
    assert pickled(caught.value).report == caught.value.report
    assert sorted(path.name for path in (tmp_path / "to").rglob("*")) == ["dir", "file", "fine"]
    assert not (tmp_path / "up").exists()


def test_a_sync_that_fails_in_part_tells_what_it_did(bucket: str, tmp_path: Path) -> None:
    for key in ("p/../up", "p/fine"):
        s3.put(bucket + key, b"x")
    target = tmp_path / "to"
    step = ("copy", bucket + "p/fine", f"file://{target}/fine")

    async def twin() -> s3.SyncReport:
        return await s3.sync_async(bucket + "p", target, progress=lambda _: None)

    with pytest.raises(s3.UnsafePathError) as planned:
        s3.sync(bucket + "p", target, dry_run=True, progress=True)
    with pytest.raises(s3.UnsafePathError) as done:
        asyncio.run(twin())

    for caught, files in ((planned.value, 0), (done.value, 1)):
        assert isinstance(caught.report, s3.SyncReport)
        assert (caught.report.files, caught.report.actions) == (files, [step])
        assert [uri for uri, _ in caught.failures] == [bucket + "p/../up"]
    with pytest.raises(s3.NotFoundError) as missing:
        s3.sync(tmp_path / "nothing", bucket)
    assert missing.value.report is None


def test_uploads_and_syncs_take_the_words_of_put(bucket: str, tmp_path: Path) -> None:
    root = fill(tmp_path / "src", 2)
    metadata = {"epoch": "7"}

    s3.upload(root, bucket + "a/", metadata=metadata, content_type="text/x-test")
    s3.sync(root, bucket + "b/", metadata=metadata, content_type="text/x-test")
    s3.sync(bucket + "b/", bucket + "c/", content_type="text/x-other")

    for name, kind in (("a", "text/x-test"), ("b", "text/x-test"), ("c", "text/x-other")):
        facts = s3.stat(f"{bucket}{name}/1.bin")
        assert (facts["metadata"], facts["content_type"]) == (metadata, kind)
    with pytest.raises(s3.AlreadyExistsError, match="2 files failed"):
        s3.upload(root, bucket + "a/", if_none_match=True)
    with pytest.raises(s3.UnsupportedError, match="tier"):
        s3.upload(root, bucket + "a/", tier="Hot")


def test_progress_grows_to_the_whole(bucket: str, tmp_path: Path) -> None:
    root = fill(tmp_path / "src", 50)
    seen: list[s3.TransferProgress] = []

    s3.upload(root, bucket, progress=seen.append)

    last = seen[-1]
    assert last == s3.TransferProgress(sum(range(50)), sum(range(50)), 50, 50)
    for before, after in itertools.pairwise(seen):
        assert before.bytes_done <= after.bytes_done
        assert before.files_done <= after.files_done
    assert pickled(last) == last


def test_the_loop_hears_of_progress(bucket: str, tmp_path: Path) -> None:
    root = fill(tmp_path / "src")
    seen: list[s3.TransferProgress] = []

    async def work() -> None:
        assert (await s3.upload_async(root, bucket + "p/", progress=seen.append)).files == 5
        assert (await s3.download_async(bucket + "p/", tmp_path / "to")).files == 5
        report = await s3.sync_async(bucket + "p/", tmp_path / "to", dry_run=True, progress=False)
        assert report.actions == []

    asyncio.run(work())

    assert (seen[-1].files_done, seen[-1].files_total) == (5, 5)


class EnoughError(Exception):
    pass


def test_an_exception_of_the_callable_ends_the_call(bucket: str, tmp_path: Path) -> None:
    root = fill(tmp_path / "src")

    def refuse(_now: s3.TransferProgress) -> None:
        raise EnoughError

    async def work() -> None:
        await s3.upload_async(root, bucket, progress=refuse)

    with pytest.raises(EnoughError):
        s3.upload(root, bucket, progress=refuse)
    with pytest.raises(EnoughError):
        asyncio.run(work())
    with pytest.raises(TypeError, match="progress"):
        s3.upload(root, bucket, progress=3)  # type: ignore[arg-type]


def test_a_callable_may_use_the_library_while_a_transfer_stands_still(tmp_path: Path) -> None:
    with Server() as server:
        seen: list[object] = []

        def look(_now: s3.TransferProgress) -> None:
            seen.append(s3.exists(f"file://{tmp_path}/nothing"))
            server.resume_later()

        s3.download("s3://bucket/key", tmp_path, progress=look, options=server.options)

    assert seen
    assert (tmp_path / "key").read_bytes() == b"x" * (1 << 20)


def test_ctrl_c_ends_a_download_and_leaves_no_file(tmp_path: Path) -> None:
    code = """
import ast, sys
import s3dlio as s3

print("ready", flush=True)
try:
    s3.download("s3://bucket/key", sys.argv[2], options=ast.literal_eval(sys.argv[1]))
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
    with Server() as server:
        command = program(code, [repr(server.options), str(tmp_path / "to")])
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
            assert server.half_sent.wait(DEADLINE)
            child.send_signal(signal.SIGINT)
            assert child.stdout.readline() == "interrupted\n"
            assert child.wait(DEADLINE) == 0

    assert not (tmp_path / "to").exists() or list((tmp_path / "to").iterdir()) == []


def test_a_bar_is_for_terminals_only() -> None:
    output = run("""
import os, pathlib, tempfile
import s3dlio as s3
os.dup2(1, 2)
s3.create_bucket("memory://bar/")
with tempfile.TemporaryDirectory() as directory:
    pathlib.Path(directory, "a").write_bytes(b"a")
    assert s3.upload(directory, "memory://bar/", progress=True).files == 1
""")

    assert output == ""


def test_reports_are_values(bucket: str, tmp_path: Path) -> None:
    root = fill(tmp_path / "src")

    up, sync = s3.upload(root, bucket), s3.sync(root, bucket)

    for report in (up, sync):
        assert pickled(report) == report
        assert repr(report).startswith(type(report).__name__)
    assert (sync.files, sync.skipped, sync.alike, sync.symlinks) == (0, 5, 5, 0)
    with pytest.raises(s3.InvalidInputError, match="size\\+mtime"):
        s3.sync(root, bucket, compare="date")  # type: ignore[arg-type]


def test_sync_follows_symlinks_when_told_and_else_leaves_their_names_alone(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    (source / "a").write_text("a")
    (tmp_path / "outside").write_text("outside")
    (source / "link").symlink_to(tmp_path / "outside")

    assert s3.sync(source, target, follow_symlinks=True).files == 2
    assert s3.sync(source, target, delete=True).deleted == 0
    assert (target / "link").read_text() == "outside"


def test_reports_count_symlinks_and_name_what_they_keep(bucket: str, tmp_path: Path) -> None:
    source = fill(tmp_path / "src", 2)
    (source / "link").symlink_to("0.bin")
    os.mkfifo(source / "fifo")
    s3.put(bucket + "link", b"kept")

    up = s3.upload(source, bucket)
    sync = s3.sync(source, bucket, delete=True)

    assert (up.files, up.skipped, up.symlinks) == (2, 2, 1)
    assert (sync.skipped, sync.alike, sync.symlinks) == (4, 2, 1)
    assert (sync.kept, sync.deleted) == ([bucket + "link"], 0)
    for report in (up, sync):
        assert pickled(report) == report
        assert "symlinks=1" in repr(report)


def test_a_name_that_is_no_key_fails_alone(bucket: str, tmp_path: Path) -> None:
    source = fill(tmp_path / "src", 2)
    (source / os.fsdecode(b"no\xff")).write_bytes(b"")

    with pytest.raises(s3.InvalidInputError, match="UTF-8") as up:
        s3.upload(source, bucket + "up/")
    with pytest.raises(s3.InvalidInputError, match="UTF-8") as sync:
        s3.sync(source, bucket + "sync/", delete=True)

    assert isinstance(up.value.report, s3.TransferReport)
    assert isinstance(sync.value.report, s3.SyncReport)
    assert up.value.report.files == sync.value.report.files == 2
    for caught in (up.value, sync.value):
        assert [uri for uri, _ in caught.failures] == [f"{source}/no\ufffd"]

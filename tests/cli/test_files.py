"""`upload`, `download`, `cp` and `sync`, as a user would run them."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from typing import TYPE_CHECKING

import pytest

from cli.program import call, path

if TYPE_CHECKING:
    from pathlib import Path


def fill(root: Path) -> dict[str, bytes]:
    files = {"a.txt": b"a", "d/b.txt": b"bb", "d/e/c.bin": b"ccc"}
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return files


def read(root: Path) -> dict[str, bytes]:
    files = (path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def test_a_tree_goes_up_and_comes_down(bucket: str, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    files = fill(source)

    up = call("upload", "-c", "-j", "4", str(source), f"{bucket}p/")
    down = call("download", f"{bucket}p/", str(target))

    assert up.out.startswith("Uploaded 3 files (total 6 bytes) in ")
    assert down.out.startswith("Downloaded 3 files (total 6 bytes) in ")
    assert (up.err, down.err) == ("", "")
    assert read(target) == files

    one = json.loads(call("--json", "download", "--no-recursive", f"{bucket}p/", str(target)).out)
    assert (one["op"], one["files"], one["bytes"]) == ("download", 1, 1)
    call("download", f"{bucket}p/**/*.bin", str(tmp_path / "bins"))
    assert read(tmp_path / "bins") == {"d/e/c.bin": b"ccc"}
    call("download", f"{bucket}nothing/", str(target), code=3)
    call("upload", str(source), f"{bucket}no-slash", code=2)
    call("upload", str(tmp_path / "nothing"), bucket, code=3)


def test_sync_plans_copies_and_deletes(bucket: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    fill(source)
    call("create-bucket", bucket)

    planned = call("sync", "--dry-run", str(source), f"{bucket}p")
    assert [line.split()[0] for line in planned.lines] == ["copy"] * 3
    assert f"{bucket}p/d/b.txt" in planned.out
    done = call("sync", str(source), f"{bucket}p")
    assert done.lines[-1].startswith("Synced 3 files (total 6 bytes), deleted 0, left 0 in ")
    (source / "a.txt").unlink()

    deleted = [
        json.loads(line)
        for line in call("--json", "sync", "--delete", str(source), f"{bucket}p").lines
    ]

    assert deleted[0] == {"op": "delete", "uri": f"{bucket}p/a.txt"}
    assert (deleted[-1]["op"], deleted[-1]["deleted"]) == ("sync", 1)
    call("sync", "--delete", str(tmp_path / "nothing"), f"{bucket}p", code=3)
    assert call("list", "-r", f"{bucket}p/").lines[-1] == "Total objects: 2"


def test_sync_takes_whole_trees_alone(bucket: str, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    fill(source)
    fill(target)
    call("upload", "-c", str(source), f"{bucket}p/")

    for wrong, code, fix in [
        (f"{bucket}p/a.txt", 2, "cp"),
        (f"{bucket}p/*.txt", 2, "cp"),
        (f"{bucket}missing/", 3, ""),
        (str(source / "a.txt"), 2, "upload"),
        (str(source / "*.txt"), 2, "upload"),
        (str(tmp_path / "missing"), 3, ""),
    ]:
        done = call("sync", "--delete", wrong, str(target), code=code)
        assert f"sync {wrong}: " in done.err
        assert fix in done.err
        assert done.out == ""

    assert len(read(target)) == 3


def test_symlinks_that_are_skipped_are_told_and_stay(bucket: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    fill(source)
    (source / "model").symlink_to("a.txt")
    call("upload", "-c", "--follow-symlinks", str(source), f"{bucket}p/")
    told = "Skipped 1 symlink (--follow-symlinks takes it along)\n"

    assert call("upload", str(source), f"{bucket}q/").err == told
    assert call("cp", "-r", str(source), f"{bucket}r/").err == told
    assert call("-q", "upload", str(source), f"{bucket}q/").err == ""
    planned = call("sync", "--delete", "--dry-run", str(source), f"{bucket}p")
    done = call("sync", "--delete", str(source), f"{bucket}p")
    lines = call("--json", "sync", "--delete", str(source), f"{bucket}p").lines

    skip = f"skip {bucket}p/model"
    plan = "Would do 0 things; 3 files are left as they are.\n"
    assert (planned.lines, planned.err) == ([skip], told + plan)
    assert (done.lines[0], done.err) == (skip, told)
    assert ", deleted 0, left 3 in " in done.lines[-1]
    first, last = map(json.loads, lines)
    assert first == {"op": "skip", "uri": f"{bucket}p/model"}
    assert (last["deleted"], last["skipped"], last["alike"], last["symlinks"]) == (0, 4, 3, 1)
    assert call("list", "-r", f"{bucket}p/").lines[-1] == "Total objects: 4"
    followed = call("sync", "--delete", "--follow-symlinks", str(source), f"{bucket}p")
    assert (followed.err, len(followed.lines)) == ("", 1)
    assert ", deleted 0, left 4 in " in followed.out
    call("cp", "-r", "--follow-symlinks", str(source), f"{bucket}s/")
    assert call("list", "-r", f"{bucket}s/").lines[-1] == "Total objects: 4"


def test_a_name_that_is_no_key_fails_alone(bucket: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    fill(source)
    call("upload", "-c", str(source), f"{bucket}sync/")
    (source / os.fsdecode(b"no\xff")).write_bytes(b"")
    (source / "a.txt").unlink()
    said = f"{source}/no\ufffd: the name is not UTF-8, so it is no key\n"

    for command in (("upload",), ("cp", "-r"), ("sync", "--delete", "--compare", "size")):
        done = call(*command, str(source), f"{bucket}{command[0]}/", code=1)
        assert done.err.endswith(said)
        assert done.err.count("\n") == 1

    for name, count in (("upload", 2), ("cp", 2), ("sync", 3)):
        assert call("list", "-r", f"{bucket}{name}/").lines[-1] == f"Total objects: {count}"


def test_quiet_leaves_out_what_was_done(bucket: str, tmp_path: Path) -> None:
    source = str(tmp_path / "source")
    fill(tmp_path / "source")
    commands = [
        ["upload", "-c", source, f"{bucket}p/"],
        ["cp", f"{source}/a.txt", f"{bucket}more/k"],
        ["download", f"{bucket}p/", str(tmp_path / "target")],
        ["sync", "--delete", source, f"{bucket}more"],
        ["delete", f"{bucket}p/a.txt"],
        ["delete", f"{bucket}p/"],
    ]

    for command in commands:
        done = call("-q", *command)
        assert (done.out, done.err) == ("", ""), command
    last = json.loads(call("-q", "--json", "upload", source, f"{bucket}p/").out)
    assert (last["op"], last["files"]) == ("upload", 3)
    assert len(call("-q", "sync", "--dry-run", source, f"{bucket}new").lines) == 3


def test_slips_are_told(tmp_path: Path) -> None:
    source = tmp_path / "source"
    fill(source)
    file = str(source / "a.txt")
    for command in (
        ["sync", str(source), "s3:/fresh/t"],
        ["cp", file, "s3:/fresh/t"],
        ["upload", file, "s3:/fresh/t"],
        ["cp", "s3:/fresh/t", str(tmp_path / "x")],
        ["download", "s3:/fresh/t", str(tmp_path / "x")],
        ["download", f"file://{file}", "s3:/fresh/t"],
    ):
        assert "did you mean s3://fresh/t?" in call(*command, code=2).err, command
    assert "did you mean file:///tmp/t?" in call("cp", file, "file:/tmp/t", code=2).err
    assert "./-" in call("sync", str(source), "-", code=2).err
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_cp_goes_any_way(bucket: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"bytes")
    call("create-bucket", bucket)

    call("cp", str(tmp_path / "file"), f"{bucket}k")
    call("cp", f"{bucket}k", f"{bucket}l")
    call("cp", f"{bucket}l", str(tmp_path / "back"))
    piped = subprocess.run(
        [path(), "cp", "-", f"{bucket}piped"], input=b"x" * 3_000_000, check=True, timeout=60
    )
    out = subprocess.run(
        [path(), "cp", f"{bucket}piped", "-"], stdout=subprocess.PIPE, check=True, timeout=60
    )

    assert (tmp_path / "back").read_bytes() == b"bytes"
    assert (piped.returncode, out.stdout) == (0, b"x" * 3_000_000)
    for tree in (f"{bucket}p/", bucket, bucket.rstrip("/")):
        for ends in (("-", tree), (tree, "-")):
            assert f"{tree.rstrip('/')}/NAME" in call("cp", *ends, code=2).err
    assert call("list", "-r", bucket).lines[-1] == "Total objects: 3"
    call("cp", "-", "-", code=2)
    call("cp", str(tmp_path / "file"), "-", bucket, code=2)
    call("cp", f"{bucket}nothing", str(tmp_path / "x"), code=3)


def test_cp_pipes_from_and_to_bare_paths(tmp_path: Path) -> None:
    def cp(*arguments: str) -> bytes:
        done = subprocess.run(
            [path(), "cp", *arguments],
            cwd=tmp_path,
            input=b"piped",
            capture_output=True,
            check=True,
            timeout=60,
        )
        return done.stdout

    cp("-", "./file")
    cp("-", "below/file")

    assert (tmp_path / "file").read_bytes() == b"piped"
    assert (tmp_path / "below" / "file").read_bytes() == b"piped"
    assert cp("./file", "-") == cp("below/file", "-") == b"piped"


def test_cp_takes_patterns_several_sources_and_trees(bucket: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    files = fill(source)
    call("create-bucket", bucket)

    call("cp", "-r", str(source), f"{bucket}p/")
    call("cp", str(source / "a.txt"), str(source / "d/b.txt"), f"{bucket}two/")
    # A key has no directories that a wildcard could stop at; a path has.
    is_local = bucket.startswith(("file:", "direct:"))
    call("cp", f"{bucket}p/d/*.bin", str(tmp_path / "bins"), code=3 if is_local else 0)
    call("cp", f"{bucket}two/?.txt", f"{bucket}three/")
    call("cp", "--recursive", f"{bucket}p/", str(tmp_path / "all"))

    assert read(tmp_path / "bins") == ({} if is_local else {"e/c.bin": b"ccc"})
    assert read(tmp_path / "all") == files
    listed = call("list", "-r", f"{bucket}three/").lines[:-2]
    assert [key.rsplit("/", 1)[1] for key in listed] == ["a.txt", "b.txt"]
    call("cp", str(source), f"{bucket}q/", code=2)
    call("cp", f"{bucket}p/", str(tmp_path / "q"), code=2)
    call("cp", f"{bucket}p/*.nothing", str(tmp_path / "q"), code=3)


def test_objects_are_written_with_properties(bucket: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"bytes")
    file = str(tmp_path / "file")
    call("create-bucket", bucket)
    flags = ["--content-type", "text/x-test", "--metadata", "epoch=7", "--metadata", "a=b=c"]

    if bucket.startswith(("file:", "direct:")):
        refused = call("upload", *flags, file, f"{bucket}k", code=1)
        assert "content_type" in refused.err or "metadata" in refused.err
        call("upload", "--if-none-match", file, f"{bucket}k")
        call("upload", "--if-none-match", file, f"{bucket}k", code=1)
        return

    call("upload", *flags, file, f"{bucket}uploaded")
    call("cp", *flags, file, f"{bucket}copied")
    call("sync", *flags, str(tmp_path), f"{bucket}synced")
    call("cp", f"{bucket}copied", f"{bucket}kept")
    call("cp", "--content-type", "text/x-other", f"{bucket}copied", f"{bucket}other")
    call("put", *flags, "-s", "100", "-t", "made", bucket)

    for name in ("uploaded", "copied", "synced/file", "kept", "other", "made"):
        facts = json.loads(call("--json", "stat", bucket + name).out)
        kind = "text/x-other" if name == "other" else "text/x-test"
        assert facts["content_type"] == kind, name
        assert facts["metadata"] == {"epoch": "7", "a": "b=c"}, name
    call("cp", "--if-none-match", file, f"{bucket}copied", code=1)
    call("cp", "--metadata", "nothing", file, f"{bucket}x", code=2)


@pytest.mark.usefixtures("azurite")
def test_tiers_are_put_and_changed(tmp_path: Path) -> None:
    bucket = f"az:///cli-{secrets.token_hex(8)}/"
    (tmp_path / "file").write_bytes(b"bytes")

    def tier(name: str) -> object:
        return json.loads(call("--json", "stat", bucket + name).out)["tier"]

    call("upload", "-c", "--tier", "cool", str(tmp_path / "file"), f"{bucket}k")
    assert tier("k") == "Cool"
    call("cp", "--tier", "Hot", f"{bucket}k", f"{bucket}copy")
    assert tier("copy") == "Hot"
    moved = call("set-tier", f"{bucket}k", "Archive")
    assert moved.out == f"Moved {bucket}k to Archive\n"
    assert tier("k") == "Archive"
    done = json.loads(call("--json", "set-tier", f"{bucket}copy", "cold").out)
    assert done == {"op": "set-tier", "uri": f"{bucket}copy", "tier": "cold"}
    call("set-tier", f"{bucket}copy", "warm", code=2)
    call("set-tier", f"{bucket}nothing", "Hot", code=3)
    call("set-tier", f"file://{tmp_path}/file", "Hot", code=1)


@pytest.mark.usefixtures("azurite")
def test_a_plan_is_shown_beside_names_that_are_refused(tmp_path: Path) -> None:
    bucket = f"az:///cli-{secrets.token_hex(8)}/"
    for name in ("dir", "dir/file", "fine"):
        call("put", "-c", "-s", "10", "-t", name, bucket)

    planned = call("sync", "--dry-run", bucket, str(tmp_path / "to"), code=1)
    done = call("sync", bucket, str(tmp_path / "to"), code=1)

    steps = [f"copy {bucket}{name} file://{tmp_path}/to/{name}" for name in ("dir/file", "fine")]
    assert planned.lines == steps
    assert done.lines[:-1] == steps
    assert done.lines[-1].startswith("Synced 2 files (total 20 bytes), ")
    for run in (planned, done):
        assert f"{bucket}dir: " in run.err


def test_failures_are_named_and_the_rest_is_done(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    fill(source)
    # A directory stands where one of the files is to go.
    (target / "a.txt" / "inside").mkdir(parents=True)

    failed = call("download", f"file://{source}/", str(target), code=1)

    assert failed.out.startswith("Downloaded 2 files (total 5 bytes) in ")
    assert f"file://{target}/a.txt" in failed.err
    assert (target / "d" / "b.txt").read_bytes() == b"bb"
    report = json.loads(call("--json", "sync", str(source), str(target), code=1).lines[-1])
    assert (report["files"], report["failed"], report["skipped"]) == (0, 1, 2)


def test_a_reader_that_stops_ends_cp_quietly(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(30_000_000))

    with subprocess.Popen(
        [path(), "cp", f"file://{tmp_path}/file", "-"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        run.stdout.read(1)
        run.stdout.close()
        assert run.stderr.read() == b""
        assert run.wait(timeout=60) == 0

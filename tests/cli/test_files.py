"""`upload`, `download`, `cp` and `sync`, as a user would run them."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

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
    call("cp", "-", "-", code=2)
    call("cp", f"{bucket}nothing", str(tmp_path / "x"), code=3)


def test_failures_are_named_and_the_rest_is_done(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    fill(source)
    # A directory stands where one of the files is to go.
    (target / "a.txt" / "inside").mkdir(parents=True)

    failed = call("download", f"file://{source}/", str(target), code=1)

    assert failed.out == ""
    assert f"file://{source}/a.txt" in failed.err
    assert (target / "d" / "b.txt").read_bytes() == b"bb"


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

from __future__ import annotations

import json
import re
from pathlib import Path

from cli.program import Done, call

MIB = 1 << 20
SECONDS = r"[0-9.]+(s|ms|µs)"
RATE = r"[0-9]+\.[0-9]{2}"

# What stat shows, in this order, on every scheme.
STAT_KEYS = [
    "size",
    "last_modified",
    "etag",
    "content_type",
    "content_language",
    "storage_class",
    "metadata",
    "version_id",
    "replication_status",
    "server_side_encryption",
    "ssekms_key_id",
]


def key_of(uri: str) -> str:
    """Return the key as `list` shows it."""
    scheme, rest = uri.split("://")
    if scheme in {"file", "direct"}:
        return rest.removeprefix("/")
    depth = 2 if scheme == "az" else 1
    return rest.split("/", depth)[depth]


def stat_of(done: Done) -> dict[str, str]:
    """Return what `stat` printed below its first line."""
    return dict(line.strip().split(": ", 1) for line in done.lines[1:])


def test_put_list_get_stat_delete(bucket: str) -> None:
    prefix = f"{bucket}p/"

    put = call("put", "-c", "-n", "100", "-s", str(MIB), prefix)
    assert re.fullmatch(
        rf"Uploaded 100 objects \(total {100 * MIB} bytes\) in {SECONDS}"
        rf" \({RATE} objects/s, {RATE} MB/s\)\n",
        put.out,
    ), put.out

    listed = call("list", prefix)
    keys = sorted(f"{key_of(prefix)}object_{number}_of_100.dat" for number in range(100))
    assert listed.lines == [*keys, "", "Total objects: 100"]

    got = call("get", "-j", "32", prefix)
    assert "Fetching 100 objects with 32 jobs…\n" in got.err
    assert re.fullmatch(rf"downloaded 100\.00 MiB in {SECONDS} \({RATE} MiB/s\)\n", got.out)

    one = f"{prefix}object_7_of_100.dat"
    stat = call("stat", one)
    assert stat.lines[0] == f"Stat for {one}:"
    shown = stat_of(stat)
    extra = ["tier"] if bucket.startswith("az:") else []
    assert list(shown) == STAT_KEYS + extra
    assert shown["size"] == str(MIB)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", shown["last_modified"])
    assert re.fullmatch(r'".+"', shown["etag"])

    call("delete", one)
    assert call("list", prefix).lines[-1] == "Total objects: 99"
    deleted = call("delete", prefix)
    assert "Deleting 99 objects…\n" in deleted.err
    assert deleted.out == "Done.\n"
    assert call("list", prefix).out == "\nTotal objects: 0\n"
    call("delete-bucket", bucket)


def test_create_twice_delete_only_when_empty(bucket: str) -> None:
    call("create-bucket", bucket)
    call("create-bucket", bucket, code=1)
    call("put", "-c", "-s", "1", bucket)

    call("delete-bucket", bucket, code=1)

    assert call("list", bucket).lines[-1] == "Total objects: 1"
    call("delete", bucket)
    call("delete-bucket", bucket)


def test_a_delete_removes_exactly_what_was_named(bucket: str) -> None:
    call("put", "-c", "-n", "12", "-s", "1", "-t", "obj_{}", bucket)
    call("put", "-s", "1", "-t", "xobj_1", bucket)

    call("delete", f"{bucket}obj_1")

    names = [key.rsplit("/", 1)[-1] for key in call("list", bucket).lines[:-2]]
    assert names == sorted([f"obj_{n}" for n in range(12) if n != 1] + ["xobj_1"])
    again = call("delete", f"{bucket}obj_1")
    assert (again.err, again.out) == ("Deleting 0 objects…\n", "Done.\n")
    assert json.loads(call("--json", "delete", f"{bucket}obj_1").out)["objects"] == 0
    assert call("list", bucket).lines[-1] == "Total objects: 12"


def test_exists_answers_by_its_code(bucket: str) -> None:
    call("put", "-c", "-s", "1", "-t", "p/k", bucket)

    for name, code in (("p/k", 0), ("p/l", 3), ("p", 3), ("p/", 3)):
        done = call("exists", f"{bucket}{name}", code=code)
        assert (done.out, done.err) == ("", "")
        told = json.loads(call("--json", "exists", f"{bucket}{name}", code=code).out)
        assert told == {"uri": f"{bucket}{name}", "exists": code == 0}
    call("exists", "no-uri", code=2)


def test_a_delete_takes_no_wildcards(bucket: str) -> None:
    call("put", "-c", "-n", "2", "-s", "1", "-t", "{}.x", bucket)
    call("put", "-s", "1", "-t", "*.y", bucket)

    refused = call("delete", f"{bucket}*.x", code=3)
    assert (refused.out, "--regex" in refused.err) == ("", True)
    assert f"delete {bucket}*.x: " in refused.err
    call("delete", "--dry-run", f"{bucket}*.x", code=3)

    assert call("delete", f"{bucket}*.y").err == "Deleting 1 objects…\n"
    assert call("list", bucket).lines[-1] == "Total objects: 2"


def test_a_delete_leaves_no_empty_directories(directory: str) -> None:
    call("put", "-n", "3", "-s", "1", "-t", "p/q{}/k", directory)

    call("delete", f"{directory}p/")

    root = Path(directory.removeprefix("file://"))
    assert [path.name for path in root.rglob("*")] == ["p"]


def test_a_regex_deletes_what_it_matches_whole(bucket: str) -> None:
    call("put", "-c", "-n", "12", "-s", "1", "-t", "obj_{}", bucket)

    planned = call("delete", "--dry-run", "--regex", "obj_1.", bucket)
    assert planned.lines == [f"{bucket}obj_10", f"{bucket}obj_11"]
    assert call("list", bucket).lines[-1] == "Total objects: 12"

    deleted = call("delete", "--regex", "obj_1.", bucket)
    assert "Deleting 2 objects…\n" in deleted.err
    left = [line["uri"] for line in map(json.loads, call("--json", "list", bucket).lines)]
    assert left == [f"{bucket}obj_{number}" for number in range(10)]


def test_a_listing_is_one_level_unless_recursive(bucket: str) -> None:
    call("put", "-c", "-n", "2", "-s", "1", "-t", "a/{}.csv", bucket)
    call("put", "-n", "2", "-s", "1", "-t", "{}.csv", bucket)
    base = key_of(bucket)

    assert call("list", bucket).lines[:-2] == [f"{base}0.csv", f"{base}1.csv", f"{base}a/"]
    assert len(call("list", "-r", bucket).lines) == 4 + 2
    assert call("list", rf"{bucket}.\.csv").lines[-1] == "Total objects: 2"
    assert call("list", "-r", rf"{bucket}.*1\.csv").lines[-1] == "Total objects: 2"
    assert call("list", "--pattern", "a", bucket).lines[:-2] == [f"{base}a/"]
    assert call("list", "--uris", bucket).lines[0] == f"{bucket}0.csv"
    call("list", "--pattern", "a", f"{bucket}b", code=2)


def test_a_range_of_each_object_is_read(bucket: str) -> None:
    call("put", "-c", "-n", "3", "-s", "1000", bucket)

    part = call("--json", "get", "--offset", "100", "--length", "500", bucket)
    rest = call("--json", "get", "--offset", "999", f"{bucket}object_0_of_3.dat")

    assert json.loads(part.out)["bytes"] == 1500
    assert json.loads(rest.out)["bytes"] == 1
    call("get", "--offset", "1000", f"{bucket}object_0_of_3.dat", code=2)


def test_what_is_missing_has_its_own_code(bucket: str) -> None:
    call("create-bucket", bucket)

    for command in ("get", "stat"):
        missing = call(command, f"{bucket}nothing", code=3)
        assert f"{bucket}nothing" in missing.err
        assert missing.out == ""
    call("get", f"{bucket}nothing/", code=3)
    call("delete", f"{bucket}nothing")

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.program import bare_environment, call, start


def files(directory: str) -> list[Path]:
    """Return the files below a file:// URI, in order."""
    root = Path(directory.removeprefix("file://"))
    return sorted(path for path in root.rglob("*") if path.is_file())


def test_nothing_is_needed_for_files(directory: str) -> None:
    env = bare_environment()

    call("put", "-n", "2", "-s", "10", directory, env=env)

    assert call("list", directory, env=env).lines[-1] == "Total objects: 2"


@pytest.mark.parametrize(
    ("prefix", "template", "names"),
    [
        ("run", "object_{}_of_{}.dat", ["run/object_0_of_2.dat", "run/object_1_of_2.dat"]),
        ("run/", "x-{}.obj", ["run/x-0.obj", "run/x-1.obj"]),
        ("", "deep/er/{}", ["deep/er/0", "deep/er/1"]),
    ],
)
def test_names_come_from_the_template(
    directory: str, prefix: str, template: str, names: list[str]
) -> None:
    call("put", "-n", "2", "-s", "1", "-t", template, f"{directory}{prefix}")

    root = directory.removeprefix("file://")
    assert [str(path).removeprefix(root) for path in files(directory)] == names


def test_a_seed_decides_the_bytes(directory: str) -> None:
    for run in ("a", "b", "c"):
        seed = "2" if run == "c" else "1"
        call("put", "-n", "3", "-s", "100000", "--seed", seed, f"{directory}{run}")

    content = [path.read_bytes() for path in files(directory)]

    assert content[:3] == content[3:6]
    assert len(set(content)) == 6
    assert {len(each) for each in content} == {100_000}


def test_empty_objects_are_objects(directory: str) -> None:
    call("put", "-n", "3", "-s", "0", directory)

    assert json.loads(call("--json", "get", directory).out)["objects"] == 3
    call("get", f"{directory}object_0_of_3.dat")


def test_json_is_one_value_per_line(directory: str) -> None:
    put = json.loads(call("--json", "put", "-n", "2", "-s", "5", directory).out)
    assert (put["op"], put["objects"], put["failed"], put["bytes"]) == ("put", 2, 0, 10)

    listed = [json.loads(line) for line in call("list", "--json", directory).lines]
    assert [entry["size"] for entry in listed] == [5, 5]
    assert [entry["uri"] for entry in listed] == [f"file:///{entry['key']}" for entry in listed]

    stat = json.loads(call("stat", "--json", listed[0]["uri"]).out)
    assert (stat["size"], stat["storage_class"], stat["metadata"]) == (5, None, {})
    assert stat["etag"] == listed[0]["etag"]

    got = call("get", "--json", directory)
    assert (json.loads(got.out)["bytes"], got.err) == (10, "")

    planned = call("delete", "--json", "--dry-run", directory)
    assert [json.loads(line)["uri"] for line in planned.lines] == [each["uri"] for each in listed]
    assert json.loads(call("delete", "--json", directory).out)["objects"] == 2


def test_a_long_listing_shows_time_and_size(directory: str) -> None:
    call("put", "-s", "12345", "-t", "k", directory)
    call("put", "-s", "1", "-t", "sub/k", directory)

    first, second, *_ = call("list", "-l", directory).lines

    assert first.split()[1:] == ["12345", f"{directory.removeprefix('file:///')}k"]
    assert second.split() == ["-", "-", f"{directory.removeprefix('file:///')}sub/"]


def test_quiet_leaves_results_and_errors(directory: str) -> None:
    call("put", "-q", "-s", "1", "-t", "k", directory)

    assert call("list", "-q", directory).lines == [f"{directory.removeprefix('file:///')}k"]
    got = call("get", "-q", f"{directory}k")
    missing = call("get", "-q", f"{directory}nothing", code=3)

    assert (got.err, len(got.lines)) == ("", 1)
    assert "nothing" in missing.err


def test_verbose_goes_to_stderr(directory: str) -> None:
    done = call("-vv", "list", directory)

    assert directory in done.err
    assert "\x1b" not in done.err
    assert done.out == "\nTotal objects: 0\n"


def test_a_reader_that_stops_ends_the_listing_quietly(directory: str) -> None:
    root = Path(directory.removeprefix("file://"))
    for number in range(3000):
        (root / f"{number:0100}").touch()

    with start("list", directory) as listing:
        assert listing.stdout is not None
        assert listing.stderr is not None
        assert listing.stdout.readline().endswith(f"{0:0100}\n")
        listing.stdout.close()
        assert listing.stderr.read() == ""
        assert listing.wait(timeout=60) == 0

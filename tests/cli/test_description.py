"""The command lines and samples of the product's description, as they are printed there.

Only the size of the objects is smaller. Where what is shown differs from the description, the test
says so: keys are listed without a leading slash, so that lines can be used again, and rates that
count units of 1024 say MiB.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cli.program import DEADLINE_S, bare_environment, call, path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers import Server

BUCKET = "s3://my-bucket4/"
OBJECTS = 1200
SECONDS = r"[0-9.]+(s|ms|µs)"
NUMBER = r"[0-9]+\.[0-9]{2}"

SAMPLE = """
import s3dlio as s3

# Create a checkpoint store with compression (level 1-21, default 3)
store = s3.CheckpointStore("s3://my-bucket/checkpoints/", compression_level=10)

# Save data with compression - automatically adds .zst extension
import numpy as np
data = np.random.rand(1000, 1000).astype(np.float32)  # 4MB of random data
store.put_shard("model_weights", 0, data.tobytes())

# Load data with automatic decompression - seamlessly handles .zst files
loaded_data = store.get_shard("model_weights", 0)
loaded_array = np.frombuffer(loaded_data, dtype=np.float32).reshape(1000, 1000)
"""


@pytest.fixture
def bucket(minio: Server) -> Iterator[str]:
    assert minio.environment
    yield BUCKET
    call("delete", BUCKET)
    call("delete-bucket", BUCKET)


def test_put_list_get_and_delete(bucket: str) -> None:
    put = call("put", "-c", "-n", "1200", "-t", "russ-test3-{}.obj", "-s", "1024", bucket)
    assert re.fullmatch(
        rf"Uploaded 1200 objects \(total {OBJECTS * 1024} bytes\) in {SECONDS}"
        rf" \({NUMBER} objects/s, {NUMBER} MB/s\)\n",
        put.out,
    ), put.out

    listed = call("list", bucket)
    keys = sorted(f"russ-test3-{number}.obj" for number in range(OBJECTS))
    assert listed.lines == [*keys, "", "Total objects: 1200"]
    assert listed.lines.index("russ-test3-989.obj") + 1 == listed.lines.index("russ-test3-99.obj")

    got = call("get", "-j", "32", bucket)
    assert got.err.splitlines()[0] == "Fetching 1200 objects with 32 jobs…"
    assert re.fullmatch(rf"downloaded 1\.17 MiB in {SECONDS} \({NUMBER} MiB/s\)\n", got.out)

    deleted = call("delete", bucket)
    assert (deleted.err, deleted.out) == ("Deleting 1200 objects…\n", "Done.\n")
    assert call("list", bucket).out == "\nTotal objects: 0\n"


def test_a_listing_by_a_regular_expression(bucket: str) -> None:
    call("put", "-c", "-n", "3", "-s", "1", "-t", "data/{}.csv", bucket)
    call("put", "-s", "1", "-t", "data/x.txt", bucket)

    listed = call("list", bucket + r"data/.*\.csv")

    assert listed.lines == [*(f"data/{number}.csv" for number in range(3)), "", "Total objects: 3"]


def test_an_object_is_shown_with_these_properties(bucket: str) -> None:
    call("put", "-c", "-s", "1024", "-t", "object_{}_of_5.dat", bucket + "test_rust_api/")
    uri = bucket + "test_rust_api/object_0_of_5.dat"

    first, *lines = call("stat", uri).lines

    assert first == f"Stat for {uri}:"
    shown = dict(line.removeprefix("  ").split(": ", 1) for line in lines)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", shown.pop("last_modified"))
    assert re.fullmatch(r'"[0-9a-f]{32}"', shown.pop("etag"))
    assert shown == {
        "size": "1024",
        "content_type": "application/octet-stream",
        "content_language": "None",
        "storage_class": "None",
        "metadata": "{}",
        "version_id": "None",
        "replication_status": "None",
        "server_side_encryption": "None",
        "ssekms_key_id": "None",
    }


def test_the_command_alone_shows_its_usage() -> None:
    assert shutil.which(path()) == path()

    shown = call(code=2, env=bare_environment()).err

    listed = shown.partition("Commands:\n")[2].partition("\n\n")[0]
    commands = [line.split()[0] for line in listed.splitlines()]
    printed = {"create-bucket", "delete-bucket", "list", "stat", "delete", "get", "put"}
    assert printed | {"upload", "download", "help"} <= set(commands)
    for option in ("-v, --verbose...", "-h, --help", "-V, --version"):
        assert f"\n  {option} " in shown


@pytest.mark.parametrize(
    ("command", "usage", "options"),
    [
        ("get", "[OPTIONS] <URI>", {"-j, --jobs <JOBS>": "64"}),
        (
            "put",
            "[OPTIONS] <URI_PREFIX>",
            {
                "-c, --create-bucket": None,
                "-j, --jobs <JOBS>": "32",
                "-n, --num <NUM>": "1",
                "-o, --object-type <TYPE>": "RAW",
                "-s, --size <BYTES>": "20971520",
                "-t, --template <TEMPLATE>": "object_{}_of_{}.dat",
            },
        ),
    ],
)
def test_help_shows_the_options(command: str, usage: str, options: dict[str, str | None]) -> None:
    shown = call(command, "--help", env=bare_environment()).out

    assert f"\nUsage: s3-cli {command} {usage}\n" in shown
    told = re.split(r"\n +(?=-)", shown)
    for option, default in options.items():
        (text,) = (" ".join(each.split()) for each in told if each.startswith(option))
        assert default is None or f"[default: {default}]" in text
    if command == "put":
        assert "[possible values: RAW, NPZ, TFRECORD, HDF5]" in " ".join(shown.split())


def test_settings_come_from_the_file_that_is_shown(
    bucket: str, minio: Server, tmp_path: Path
) -> None:
    call("put", "-c", "-s", "1", bucket)
    settings = {
        "AWS_ACCESS_KEY_ID": minio.environment["AWS_ACCESS_KEY_ID"],
        "AWS_SECRET_ACCESS_KEY": minio.environment["AWS_SECRET_ACCESS_KEY"],
        "AWS_ENDPOINT_URL": minio.endpoint,
        "AWS_REGION": "us-east-1",
        "S3_BUCKET": "my-bucket2",
    }
    lines = [f"{name}={value}\n" for name, value in settings.items()]
    (tmp_path / ".env").write_text("".join(lines), encoding="utf-8")
    env = {**bare_environment(), "S3DLIO_LOAD_DOTENV": "1"}

    done = subprocess.run(
        [path(), "list", bucket],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE_S,
        check=False,
    )

    assert done.stdout.splitlines()[-1] == "Total objects: 1", done.stderr


def test_the_python_sample_runs(minio: Server) -> None:
    call("create-bucket", "s3://my-bucket/")
    check = "\nassert np.array_equal(loaded_array, data)\n"

    subprocess.run(
        [sys.executable, "-c", SAMPLE + check],
        env={**os.environ, **minio.environment},
        timeout=DEADLINE_S,
        check=True,
    )

    listed = call("--json", "list", "-r", "s3://my-bucket/checkpoints/")
    keys = [json.loads(line)["key"] for line in listed.lines]
    assert [key for key in keys if key.endswith(".zst")]
    call("delete", "s3://my-bucket/")
    call("delete-bucket", "s3://my-bucket/")

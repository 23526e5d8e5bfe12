"""The demo: it keeps its promises on real storage, and says so where one does not hold."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

import s3dlio as s3
from s3dlio import demo

if TYPE_CHECKING:
    from pathlib import Path

SHARDS = ("raw", "zstd-1", "zstd-3", "zstd-10")
PNG = b"\x89PNG\r\n\x1a\n"


def run_demo(*arguments: str, **environment: str) -> list[str]:
    """The lines that the demo prints, as a user would run it."""
    done = subprocess.run(
        [sys.executable, "-m", "s3dlio.demo", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def check_said(lines: list[str], base: str) -> None:
    """Each way of storing has its row, and its refusal names the shard."""
    size = demo.find_weights().stat().st_size
    assert f"saved to {base}/" in lines
    rows = [line for line in lines if line.rstrip().endswith(" refused")]
    assert [row.split(f"{size:,}")[0].strip() for row in rows] == [
        "raw",
        "zstd 1",
        "zstd 3",
        "zstd 10",
    ]
    refusals = [line for line in lines if line.startswith("  ")]
    assert len(refusals) == len(SHARDS)
    for shard, refusal in zip(SHARDS, refusals, strict=True):
        assert f"{base}/{shard}/" in refusal


def check_kept(base: str) -> None:
    """Each shard holds the weights, byte for byte, and is refused once a stored byte is flipped."""
    weights = demo.find_weights().read_bytes()
    store = s3.CheckpointStore(base)
    for shard in SHARDS:
        assert store.get_shard(shard, 0) == weights
        [uri] = [uri for uri in s3.list_uris(f"{base}/{shard}/") if not uri.endswith(".json")]
        stored = bytearray(memoryview(s3.get(uri)))
        stored[len(stored) // 3] ^= 0x10
        s3.put(uri, stored)
        with pytest.raises(s3.CheckpointCorruptError):
            store.get_shard(shard, 0)


def test_without_a_place_it_makes_one_whatever_the_name_of_the_directory(tmp_path: Path) -> None:
    home = tmp_path / "a b%20ü"
    home.mkdir()

    lines = run_demo("--keep", TMPDIR=str(home))

    [made] = home.iterdir()
    assert list(tmp_path.iterdir()) == [home]
    base = f"file://{made}/s3dlio-demo"
    check_said(lines, base)
    check_kept(base)
    assert (made / demo.CHART).read_bytes().startswith(PNG)
    assert lines[-1] == f"chart: {made / demo.CHART}"


@pytest.mark.usefixtures("minio")
def test_it_makes_the_bucket_it_is_to_save_to(tmp_path: Path) -> None:
    bucket = f"s3://demo-{secrets.token_hex(8)}"
    chart = tmp_path / "chart.png"

    lines = run_demo(f"{bucket}/models/", "--keep", f"--chart={chart}")
    base = f"{bucket}/models/s3dlio-demo"
    check_said(lines, base)
    check_kept(base)
    assert chart.read_bytes().startswith(PNG)

    s3.delete(f"{bucket}/")
    s3.delete_bucket(f"{bucket}/")


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A place in memory, and weights of a few bytes, so that a failure is seen at once."""
    header = json.dumps({"w": {"dtype": "F32", "shape": [25], "data_offsets": [0, 100]}}).encode()
    path = tmp_path / demo.FILE
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(100))
    monkeypatch.setattr(demo, "find_weights", lambda: path)
    return f"memory://demo-{secrets.token_hex(8)}/"


@pytest.mark.usefixtures("minio", "tiny")
def test_a_bucket_that_exists_is_left_as_it_was(tmp_path: Path) -> None:
    bucket = f"s3://demo-{secrets.token_hex(8)}/"
    s3.create_bucket(bucket)
    s3.put(f"{bucket}models/other", b"not the demo's")

    assert demo.main([f"{bucket}models", f"--chart={tmp_path}/chart.png"]) == 0

    assert s3.list(bucket, True) == ["models/other"]
    s3.delete(bucket)
    s3.delete_bucket(bucket)


def test_other_bytes_than_were_saved_fail_it(
    tiny: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def wrong(_store: s3.CheckpointStore, _name: str, _index: int) -> bytes:
        return np.fromfile(demo.find_weights(), np.uint8).tobytes()[:-1] + b"x"

    monkeypatch.setattr(s3.CheckpointStore, "get_shard", wrong)

    assert demo.main([tiny]) == 1
    assert "error: raw: other bytes were loaded than were saved" in capsys.readouterr().err


def test_a_damaged_shard_that_loads_fails_it(
    tiny: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def careless(_store: s3.CheckpointStore, _name: str, _index: int) -> bytes:
        return demo.find_weights().read_bytes()

    monkeypatch.setattr(s3.CheckpointStore, "get_shard", careless)

    assert demo.main([tiny]) == 1
    assert "was loaded although a byte of it had been flipped" in capsys.readouterr().err

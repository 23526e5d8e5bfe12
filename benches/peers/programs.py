"""Programs that are measured beside libraries: of the disk, of a codec, of downloads."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from peers import Client

if TYPE_CHECKING:
    from collections.abc import Sequence

    from peers import Place

MIB = 1 << 20


class Fio(Client):
    """What the disk and the kernel can do, by fio's own clock."""

    warms_up = False
    more: Sequence[str] = ("--direct=0", "--ioengine=psync", "--iodepth=1")

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.last: tuple[float, float] | None = None

    def put(self, keys: Sequence[str], bodies: Sequence[bytes]) -> None:
        for key, body in zip(keys, bodies, strict=True):
            self._run("write", self._path(key), len(body))

    def get(self, keys: Sequence[str]) -> Sequence[object]:
        for key in keys:
            path = self._path(key)
            self._run("read", path, path.stat().st_size)
        return []

    def figures(self) -> tuple[float, float] | None:
        return self.last

    def _path(self, key: str) -> Path:
        path = Path(urlsplit(self.place.root).path, key)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _run(self, verb: str, path: Path, size: int) -> None:
        what = [f"--name={verb}", f"--rw={verb}", f"--filename={path}", f"--size={size}"]
        how = [f"--bs={8 * MIB}", "--invalidate=0", "--end_fsync=1", "--fallocate=none"]
        command = ["fio", *what, *how, *self.more, "--output-format=json"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        job = json.loads(done.stdout)["jobs"][0]
        wall = job["job_runtime"] / 1000
        self.last = (wall, wall * (job["usr_cpu"] + job["sys_cpu"]) / 100)


class FioDirect(Fio):
    """Past the page cache, several blocks under way."""

    more = ("--direct=1", "--ioengine=libaio", "--iodepth=8")


class S5cmd(Client):
    """The program for many objects."""

    warms_up = False

    def count(self, prefix: str) -> int:
        with tempfile.TemporaryFile() as keys:
            self._run(keys.fileno(), "ls", f"{self.place.root}{prefix}*")
            keys.seek(0)
            return sum(1 for _ in keys)

    def download(self, prefix: str, directory: str) -> None:
        limit = ["--numworkers", str(self.place.in_flight)]
        self._run(subprocess.DEVNULL, *limit, "cp", f"{self.place.root}{prefix}*", f"{directory}/")

    def _run(self, output: int, *arguments: str) -> None:
        program = os.environ["S3DLIO_BENCH_S5CMD"]
        subprocess.run([program, *arguments], stdout=output, check=True)


class Zstd(Client):
    """The codec alone, on one core and in memory: what a compressed checkpoint can reach."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.stored: dict[str, bytes] = {}

    def put(self, keys: Sequence[str], bodies: Sequence[bytes]) -> None:
        import zstandard  # noqa: PLC0415

        compressor = zstandard.ZstdCompressor(level=3)
        for key, body in zip(keys, bodies, strict=True):
            self.stored[key] = compressor.compress(body)

    def prepare(self, verb: str, keys: Sequence[str], bodies: Sequence[bytes]) -> None:
        """Have something to decompress."""
        if verb == "get":
            self.put(keys, bodies)

    def get(self, keys: Sequence[str]) -> Sequence[object]:
        import zstandard  # noqa: PLC0415

        decompressor = zstandard.ZstdDecompressor()
        return [decompressor.decompress(self.stored[key]) for key in keys]

"""No hidden copies: a fresh process peaks at the object and a fixed margin, whatever the size.

Each case has a control that makes one copy of its own; it must be seen to go over the limit, else
the measurement could not show a copy.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import s3dlio as s3
from behavior.place import options_of

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1 << 20
GET_MARGIN = 64 * MIB
GENERATE_MARGIN = 128 * MIB
SAVE_MARGIN = 128 * MIB
SIZES = (256 * MIB, 1024 * MIB)

PROLOGUE = """
import json, sys
import s3dlio as s3
uri, options, size, copies = json.loads(sys.argv[1])
def peak():
    with open("/proc/self/status") as status:
        (line,) = (line for line in status if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024
s3.exists(uri, options=options)  # the runtime, the connections and the SDK are there now
before = peak()
"""

GET = """
data = s3.get(uri, options=options)
if copies:
    data = (data, data.tobytes())
else:
    assert len(data) == size
print(peak() - before)
"""

READ_INTO = """
data = bytearray(size)
s3.read_into(uri, data, options=options)
if copies:
    data = (data, bytes(data))
print(peak() - before)
"""

PUT = """
import mmap
data = mmap.mmap(-1, size)
for start in range(0, size, 1 << 20):
    data[start : start + (1 << 20)] = start.to_bytes(4, "little") * (1 << 18)
body = bytes(data) if copies else data
s3.put(uri + "-put", body, options=options)
print(peak() - before)
"""

PUT_VECTORED = """
import mmap
data = mmap.mmap(-1, size)
for start in range(0, size, 1 << 20):
    data[start : start + (1 << 20)] = start.to_bytes(4, "little") * (1 << 18)
view = memoryview(data)
# Neither of parts nor of pages.
pieces = [view[start : start + 7_000_001] for start in range(0, size, 7_000_001)]
body = [bytes(data)] if copies else pieces
s3.put_vectored(uri + "-put", body, crc_spans=[(0, size)], options=options)
print(peak() - before)
"""

READ_INTO_MANY = """
data = bytearray(size)
view = memoryview(data)
starts = range(0, size, 32_000_001)
reads = [(uri, start, view[start : start + 32_000_001]) for start in starts]
s3.read_into_many(reads, options=options)
if copies:
    data = (data, bytes(data))
print(peak() - before)
"""

READ_FILE = """
data = bytearray(size)
file = s3.open(uri, options=options)
assert file.readinto(data) == size
if copies:
    data = (data, bytes(data))
print(peak() - before)
"""

SAVE = """
import random
block = random.Random(1).randbytes(1 << 20)
data = bytearray(size)
for start in range(0, size, 1 << 20):
    data[start : start + (1 << 20)] = block
    data[start : start + 4] = start.to_bytes(4, "little")
body = bytes(data) if copies else data
store = s3.CheckpointStore(uri + "-saved", compression_level=LEVEL, options=options)
store.put_shard("weights", 0, body)
print(peak() - before)
"""

LOAD = """
store = s3.CheckpointStore(uri + "-saved", compression_level=LEVEL, options=options)
data = store.get_shard("weights", 0)
assert len(data) == size
if copies:
    data = (data, data.tobytes())
print(peak() - before)
"""

GENERATE = """
options = {**options, "memory_limit": 64 << 20}
s3.generate(uri + "-made", size=size, object_type="NPZ", options=options)
if copies:
    data = s3.get(uri + "-made/object_0_of_1.dat", options=options)
print(peak() - before)
"""


def growth(script: str, uri: str, options: dict[str, object], size: int, *, copies: bool) -> int:
    """Bytes by which the peak of a fresh process grows while it runs ``script``."""
    child = subprocess.run(
        [sys.executable, "-c", PROLOGUE + script, json.dumps([uri, options, size, copies])],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert child.returncode == 0, child.stderr
    return int(child.stdout)


def check(script: str, uri: str, options: dict[str, object], size: int, margin: int) -> None:
    """The script stays within the margin, and the same script with a copy does not."""
    used = growth(script, uri, options, size, copies=False)
    print(f"{size // MIB} MiB: peak {used / MIB:.0f} MiB")
    assert used <= size + margin, f"{used / MIB:.0f} MiB for an object of {size / MIB:.0f} MiB"
    if size == SIZES[0]:
        assert growth(script, uri, options, size, copies=True) > size + margin


@pytest.fixture(params=["file", "direct", "minio", "azurite"])
def bucket(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, dict[str, object]]:
    """Where a large object may lie, with default part sizes."""
    target = str(request.param)
    if target in {"file", "direct"}:
        return f"{target}://{tmp_path}/", {}
    server = request.getfixturevalue(target)
    options = options_of(server.environment)
    del options["part_size"]
    scheme = {"minio": "s3://", "azurite": "az:///"}[target]
    base = f"{scheme}memory-{secrets.token_hex(8)}/"
    s3.create_bucket(base, options=options)
    return base, options


@pytest.mark.parametrize("size", SIZES)
def test_transfers_hold_the_object_once(bucket: tuple[str, dict[str, object]], size: int) -> None:
    base, options = bucket
    if base.startswith("az:") and size > SIZES[0]:
        size = 300 * MIB  # the emulator takes minutes for more
    uri = base + "object"
    body = bytearray(size)
    for start in range(0, size, MIB):
        body[start : start + 8] = start.to_bytes(8, "little")
    s3.put(uri, body, options=options)
    del body

    check(GET, uri, options, size, GET_MARGIN)
    check(READ_INTO, uri, options, size, GET_MARGIN)
    check(PUT, uri, options, size, GET_MARGIN)
    check(PUT_VECTORED, uri, options, size, GET_MARGIN)
    # Requests that serve two destinations go through a block of the size of a part each.
    check(READ_INTO_MANY, uri, options, size, 2 * GET_MARGIN)
    check(READ_FILE, uri, options, size, GET_MARGIN)

    s3.delete(base, options=options)


@pytest.mark.parametrize("level", [None, 3, 10])
@pytest.mark.parametrize("size", SIZES)
def test_checkpoints_stay_within_their_margin(
    bucket: tuple[str, dict[str, object]], level: int | None, size: int, scale: str
) -> None:
    base, options = bucket
    if base.startswith("az:"):
        pytest.skip("the path above the store is the same, and the emulator is slow")
    if level == 10 and size > SIZES[0] and scale == "quick":
        pytest.skip("level 10 takes minutes at this size: SCALE=full")
    uri = base + "object"

    check(SAVE.replace("LEVEL", str(level)), uri, options, size, SAVE_MARGIN)
    check(LOAD.replace("LEVEL", str(level)), uri, options, size, SAVE_MARGIN)

    s3.delete(base, options=options)


def test_what_is_generated_is_never_held_whole(bucket: tuple[str, dict[str, object]]) -> None:
    base, options = bucket
    uri, size = base + "object", SIZES[0]

    used = growth(GENERATE, uri, options, size, copies=False)
    print(f"{size // MIB} MiB: peak {used / MIB:.0f} MiB")

    assert used <= GENERATE_MARGIN
    assert growth(GENERATE, uri, options, size, copies=True) > GENERATE_MARGIN

    s3.delete(base, options=options)


ITERATE = """
uris = [uri] * 24
limit = 64 << 20
options["memory_limit"] = limit
kept = []
count = 0
for _, data in s3.iter_many(uris, max_in_flight=16, options=options):
    count += len(data)
    if copies:
        kept.append(data)
    del data
assert count == 24 * size
print(peak() - before)
"""

WRITE_FILE = """
options["memory_limit"] = 64 << 20
block = bytes(range(256)) * 1024
copy = bytearray()
with s3.open(uri + "-put", "wb", options=options) as file:
    for _ in range(0, size, len(block)):
        file.write(bytearray(block))
        if copies:
            copy += block
print(peak() - before)
"""

READ_LINES = """
file = s3.open(uri, options=options)
count, kept = 0, []
while piece := file.read(100_000):
    count += len(piece)
    if copies:
        kept.append(piece)
assert count == size
print(peak() - before)
"""


def check_bounded(script: str, uri: str, options: dict[str, object], size: int, limit: int) -> None:
    """The script stays within the limit, and the same script that keeps what it has does not."""
    used = growth(script, uri, options, size, copies=False)
    print(f"peak {used / MIB:.0f} MiB")
    assert used <= limit, f"{used / MIB:.0f} MiB, not {limit / MIB:.0f}"
    assert growth(script, uri, options, size, copies=True) > limit


def test_streams_hold_what_they_may(bucket: tuple[str, dict[str, object]]) -> None:
    base, options = bucket
    if base.startswith("az:"):
        pytest.skip("the path above the store is the same, and the emulator is slow")
    uri = base + "object"
    s3.put(uri, bytes(24 * MIB), options=options)

    # The limit, as much of idle memory, one object beyond it, and what the process needs anyway.
    check_bounded(ITERATE, uri, options, 24 * MIB, (64 + 64 + 24 + 64) * MIB)

    s3.put(uri, bytes(256 * MIB), options=options)
    check_bounded(WRITE_FILE, uri, options, 256 * MIB, 160 * MIB)
    check_bounded(READ_LINES, uri, options, 256 * MIB, 96 * MIB)

    s3.delete(base, options=options)

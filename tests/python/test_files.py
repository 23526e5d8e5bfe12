"""What files promise beyond their bytes: closing, forks, threads, errors of arguments."""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING

import pytest

import s3dlio as s3
from python.child import run
from python.test_fork import FLAGS, REAP

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BASE = "memory://files/"
URI = BASE + "k"


@pytest.fixture(autouse=True)
def _bucket() -> Iterator[None]:
    s3.create_bucket(BASE)
    yield
    s3.delete(BASE)
    s3.delete_bucket(BASE)


def test_a_reader_is_a_buffered_reader() -> None:
    s3.put(URI, b"one\ntwo\nthree")

    with s3.open(URI) as file:
        assert isinstance(file, io.BufferedReader)
        assert (file.name, file.mode, file.readable(), file.seekable()) == (URI, "rb", True, True)
        assert not file.writable()
        assert list(file) == [b"one\n", b"two\n", b"three"]
        with pytest.raises(OSError, match="fileno"):
            file.fileno()
        with pytest.raises(ValueError, match="whence"):
            file.seek(0, 9)
        assert repr(file) == f"<s3dlio.file.ObjectReader {URI!r}>"
    file.close()
    with pytest.raises(ValueError, match="closed"):
        file.tell()


def test_a_writer_is_a_binary_file() -> None:
    with s3.open(URI, "wb") as file:
        assert isinstance(file, io.BufferedIOBase)
        assert (file.name, file.mode, file.writable(), file.seekable()) == (URI, "wb", True, False)
        assert not file.readable()
        file.writelines([b"a", bytearray(b"b"), memoryview(b"c")])
        file.flush()
        for call in (file.read, lambda: file.seek(0), file.fileno):
            with pytest.raises(io.UnsupportedOperation):
                call()
        with pytest.raises(TypeError):
            file.write("text")  # type: ignore[arg-type]
        assert file.write(b"") == 0
    file.close()
    assert s3.get(URI) == b"abc"
    for ended in (lambda: file.write(b"x"), file.tell, file.flush):
        with pytest.raises(ValueError, match="closed"):
            ended()


def test_memory_is_given_back_after_a_write() -> None:
    data = bytearray(1 << 20)
    with s3.open(URI, "wb") as file:
        file.write(data)
        data.append(0)
        data[0] = 1

    assert s3.get(URI) == bytes(1 << 20)


def test_a_failed_write_spoils_the_file() -> None:
    file = s3.open("memory://no-such-bucket/k", "wb", options={"part_size": 5 << 20})
    file.write(b"small")
    with pytest.raises(s3.NotFoundError):
        file.write(bytes(6 << 20))

    with pytest.raises(s3.InvalidInputError, match="an earlier write failed"):
        file.close()

    assert file.closed


def test_a_dropped_file_warns_and_one_that_is_aborted_does_not() -> None:
    s3.open(URI, "wb").abort()
    files = [s3.open(URI, "wb")]
    with pytest.warns(ResourceWarning, match="was not closed"):
        files.clear()

    assert not s3.exists(URI)


def test_threads_share_a_file() -> None:
    data = bytes(range(256)) * 4096
    s3.put(URI, data)
    file = s3.open(URI)
    pieces: list[bytes] = []

    def read() -> None:
        while piece := file.read(1000):
            pieces.append(piece)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(map(len, pieces)) == len(data)


def test_a_forked_child_is_told_to_open_anew(tmp_path: Path) -> None:
    run(
        REAP
        + """
import gc
base = sys.argv[1]
s3.put(base + "k", bytes(1 << 20))
for i in range(5):
    s3.put(base + str(i), b"x")
reading, writing = s3.open(base + "k"), s3.open(base + "w", "wb")
reading.read(10)
writing.write(bytes(20 << 20))
entries = s3.scan(base)
reads = s3.iter_many([base + str(i) for i in range(5)], max_in_flight=2)
next(reads)
def refused(call):
    try:
        call()
    except s3.InvalidInputError as error:
        assert "after a fork" in str(error), error
    else:
        raise SystemExit("not refused")
def work():
    global reading, writing, entries, reads
    refused(lambda: (reading.seek(500_000), reading.read(300_000)))
    refused(lambda: writing.write(b"x"))
    refused(writing.close)
    refused(lambda: next(entries))
    refused(lambda: next(reads))
    reading = writing = entries = reads = None
    gc.collect()
    with s3.open(base + "k") as again:
        assert len(again.read()) == 1 << 20
reap(in_child(work))
assert len(reading.read()) == (1 << 20) - 10
writing.close()
assert len(s3.get(base + "w")) == 20 << 20
assert len(list(entries)) == 7
assert len(list(reads)) == 4
""",
        f"file://{tmp_path}/",
        flags=FLAGS,
    )


def test_files_left_open_do_not_keep_the_interpreter(tmp_path: Path) -> None:
    run(
        """
import sys
import s3dlio as s3
uri = "file://" + sys.argv[1] + "/k"
s3.put(uri, bytes(8 << 20))
reading, writing = s3.open(uri), s3.open(uri + "-w", "wb")
reading.read(10), reading.read(300_000)
writing.write(bytes(20 << 20))
reads = s3.iter_many([uri] * 10)
next(reads)
""",
        str(tmp_path),
        deadline=20,
    )

    assert {path.name for path in tmp_path.iterdir() if not path.name.startswith(".")} == {"k"}


def test_overlapping_destinations_are_refused() -> None:
    s3.put(URI, bytes(100))
    target = memoryview(bytearray(20))

    with pytest.raises(s3.InvalidInputError, match="destinations 0 and 2 share memory"):
        s3.read_into_many([(URI, 0, target[:6]), (URI, 50, target[10:]), (URI, 9, target[5:10])])

    assert s3.read_into_many([(URI, 0, target[:5]), (URI, 50, target[5:])]) == 20


def test_the_store_sees_the_pages_of_every_buffer() -> None:
    sources = [bytearray(b"a" * 100_000), bytearray(b"b" * 5)]
    s3.put_vectored(URI, sources)

    sources[0][7] = sources[1][2] = ord("X")

    got = s3.get(URI, offset=1)  # of a part, no checksum is known
    assert (got[6], got[100_001]) == (ord("X"), ord("X"))
    with pytest.raises(BufferError):
        sources[1].append(0)


def test_the_iterable_may_raise_and_what_came_before_is_given() -> None:
    s3.put(URI, b"abc")

    def uris() -> Iterator[str]:
        yield URI
        yield URI
        raise KeyError("mine")

    reads = s3.iter_many(uris(), ordered=True)
    assert [next(reads)[0] for _ in range(2)] == [0, 1]
    with pytest.raises(KeyError, match="mine"):
        next(reads)

    bad = s3.iter_many([URI, "gs://b/k", URI])
    assert next(bad)[1] == b"abc"
    with pytest.raises(s3.InvalidInputError, match="scheme"):
        next(bad)
    mixed = s3.iter_many([URI, None])  # type: ignore[list-item]
    next(mixed)
    with pytest.raises(TypeError):
        next(mixed)

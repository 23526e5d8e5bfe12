"""What goes in: any contiguous memory, lent for the time of the transfer and never copied."""

from __future__ import annotations

import array
import ctypes
import mmap
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import s3dlio as s3

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from s3dlio._types import Memory

BASE = "memory://lent/"
URI = BASE + "k"
DATA = bytes(range(256)) * 16


@pytest.fixture(autouse=True)
def _bucket() -> Iterator[None]:
    s3.create_bucket(BASE)
    yield
    s3.delete(BASE)
    s3.delete_bucket(BASE)


class Tensor:
    """A framework's tensor: no buffer protocol, only DLPack."""

    def __init__(self, values: np.ndarray[Any, Any], device: tuple[int, int] = (1, 0)) -> None:
        self.values, self.device = values, device

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.device

    def __dlpack__(self, **words: Any) -> object:  # noqa: ANN401
        return self.values.__dlpack__(**words)


class OldTensor(Tensor):
    """One from before DLPack 1.0."""

    def __dlpack__(self, stream: object = None) -> object:  # type: ignore[override]
        return self.values.__dlpack__(stream=stream)


def _mapped(data: bytes) -> mmap.mmap:
    mapping = mmap.mmap(-1, len(data))
    mapping[:] = data
    return mapping


@pytest.mark.parametrize(
    "lend",
    [
        bytes,
        bytearray,
        memoryview,
        _mapped,
        lambda data: array.array("d", data),
        lambda data: memoryview(data)[:],
        lambda data: np.frombuffer(data, "<f4"),
        lambda data: np.frombuffer(data, "<f4").reshape(2, 4, -1),
        lambda data: np.frombuffer(data, "M8[s]"),
        lambda data: Tensor(np.frombuffer(bytearray(data), "<i8").reshape(8, -1)),
        lambda data: Tensor(np.frombuffer(data, "<i8")),
        lambda data: OldTensor(np.frombuffer(bytearray(data), "<f2")),
    ],
    ids=[
        "bytes",
        "bytearray",
        "memoryview",
        "mmap",
        "array",
        "slice",
        "numpy",
        "3d",
        "datetime",
        "dlpack",
        "dlpack-readonly",
        "dlpack-0",
    ],
)
def test_any_contiguous_memory_is_taken(lend: Callable[[bytes], Any]) -> None:
    result = s3.put(URI, lend(DATA))

    assert result.size == len(DATA)
    assert s3.get(URI) == DATA


def test_a_buffer_is_taken_as_it_is() -> None:
    s3.put(URI, DATA)

    s3.put(BASE + "copy", s3.get(URI)[16:])

    assert s3.get(BASE + "copy") == DATA[16:]


@pytest.mark.parametrize("empty", [b"", bytearray(), np.zeros((3, 0)), Tensor(np.zeros(0))])
def test_empty_memory_is_taken(empty: Memory) -> None:
    assert s3.put(URI, empty).size == 0
    assert s3.get(URI) == b""


@pytest.mark.parametrize(
    "scattered",
    [
        np.zeros((4, 4))[:, ::2],
        np.zeros((4, 4)).T[:2],
        memoryview(DATA)[::2],
        Tensor(np.zeros((4, 4))[:, ::2]),
    ],
    ids=["columns", "transposed", "memoryview", "dlpack"],
)
def test_scattered_memory_is_refused(scattered: Memory) -> None:
    with pytest.raises(s3.InvalidInputError, match="C-contiguous"):
        s3.put(URI, scattered)

    assert not s3.exists(URI)


@pytest.mark.parametrize("thing", ["text", 5, None, [1, 2], object()])
def test_what_has_no_memory_is_refused(thing: Memory) -> None:
    with pytest.raises(TypeError, match="bytes-like object"):
        s3.put(URI, thing)


def test_memory_of_another_device_is_refused() -> None:
    with pytest.raises(s3.InvalidInputError, match="CPU memory"):
        s3.put(URI, Tensor(np.zeros(4), device=(2, 0)))


def test_the_store_sees_the_pages_of_the_caller() -> None:
    source = bytearray(b"a" * 100_000)
    s3.put(URI, source)

    source[7] = ord("B")

    assert s3.get(URI, offset=7, length=1) == b"B"


def test_bytes_are_lent_and_given_back() -> None:
    data = bytes(200_000)
    before = sys.getrefcount(data)

    s3.put(URI, data)
    held = sys.getrefcount(data)
    s3.put(URI, b"")
    _until(lambda: sys.getrefcount(data) == before)

    assert held == before + 1


def test_memory_is_held_while_the_store_has_it() -> None:
    source = bytearray(100_000)
    s3.put(URI, source)

    with pytest.raises(BufferError):
        source.append(0)
    s3.delete(URI)

    _until(lambda: _can_grow(source))


def test_a_tensor_is_given_back() -> None:
    values = np.zeros(1000)
    before = sys.getrefcount(values)

    s3.put(URI, Tensor(values))
    held = sys.getrefcount(values)
    s3.delete(URI)
    _until(lambda: sys.getrefcount(values) == before)

    assert held == before + 1


def test_read_into_fills_the_memory_of_the_caller() -> None:
    s3.put(URI, DATA)
    target = np.zeros(len(DATA), np.uint8)
    address = target.ctypes.data

    assert s3.read_into(URI, target) == len(DATA)
    assert target.tobytes() == DATA
    assert target.ctypes.data == address
    assert s3.read_into(URI, target.data[:10], offset=5) == 10
    assert target.tobytes() == DATA[5:15] + DATA[10:]
    assert s3.read_into(URI, Tensor(target[:4]), offset=1) == 4
    assert target[:4].tobytes() == DATA[1:5]


def test_read_into_gives_the_memory_back() -> None:
    s3.put(URI, DATA)
    target = bytearray(len(DATA))

    s3.read_into(URI, target)
    target.append(0)

    for bad in ("memory://lent/missing", "memory://no-such-bucket/k"):
        with pytest.raises(s3.NotFoundError):
            s3.read_into(bad, target)
        target.append(0)


def test_read_into_more_than_there_is_raises() -> None:
    s3.put(URI, DATA)

    with pytest.raises(EOFError) as caught:
        s3.read_into(URI, bytearray(len(DATA) + 1))

    assert isinstance(caught.value, s3.ShortReadError)
    assert s3.read_into(URI, bytearray()) == 0


@pytest.mark.parametrize(
    "target",
    [
        DATA,
        np.frombuffer(DATA, np.uint8),
        np.zeros((4, 4))[:, ::2],
        Tensor(np.frombuffer(DATA, np.uint8)),
    ],
    ids=["bytes", "readonly", "scattered", "dlpack-readonly"],
)
def test_read_into_needs_writable_contiguous_memory(target: Memory) -> None:
    s3.put(URI, DATA)

    with pytest.raises(s3.InvalidInputError, match="writable"):
        s3.read_into(URI, target)


@pytest.mark.parametrize(
    "data",
    [
        np.array([{}, "x"], dtype=object),
        (ctypes.py_object * 2)(ctypes.py_object(1), ctypes.py_object(2)),
    ],
)
def test_addresses_of_objects_are_not_stored(data: Memory) -> None:
    with pytest.raises(s3.InvalidInputError, match="Python objects"):
        s3.put(URI, data)

    assert not s3.exists(URI)


def test_memory_is_given_back_by_many_threads() -> None:
    data = bytes(100_000)
    before = sys.getrefcount(data)

    def work(name: str) -> None:
        for _ in range(50):
            s3.put(BASE + name, data)
            assert len(s3.get(BASE + name)) == len(data)
        s3.delete(BASE + name)

    threads = [threading.Thread(target=work, args=(str(i),)) for i in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    _until(lambda: sys.getrefcount(data) == before)


def _can_grow(memory: bytearray) -> bool:
    try:
        memory.append(0)
    except BufferError:
        return False
    return True


def _until(condition: Callable[[], bool], deadline: float = 30.0) -> None:
    end = time.monotonic() + deadline
    while not condition():
        assert time.monotonic() < end, f"not so after {deadline:.0f} s"
        time.sleep(0.001)

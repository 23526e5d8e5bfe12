"""`Buffer`: an object's bytes in memory that numpy and others share."""

from __future__ import annotations

import gc
import pickle
import weakref
from typing import TYPE_CHECKING

import numpy as np
import pytest

import s3dlio as s3

if TYPE_CHECKING:
    from collections.abc import Iterator

BASE = "memory://buffer/"


@pytest.fixture(autouse=True)
def _bucket() -> Iterator[None]:
    s3.create_bucket(BASE)
    yield
    s3.delete(BASE)
    s3.delete_bucket(BASE)


def _buffer(data: bytes) -> s3.Buffer:
    s3.put(BASE + "k", data)
    return s3.get(BASE + "k")


@pytest.mark.parametrize("size", [0, 1, 63, 64, 4096, 65_537, 3 << 20])
def test_memory_is_aligned_and_writable(size: int) -> None:
    data = bytes(i % 251 for i in range(256)) * (size // 256 + 1)
    buffer = _buffer(data[:size])
    array = np.frombuffer(memoryview(buffer), np.uint8) if size else buffer.view(np.uint8)

    assert len(buffer) == array.size == size
    assert array.ctypes.data % 64 == 0
    assert array.flags.writeable
    assert not memoryview(buffer).readonly
    with pytest.raises(TypeError):
        buffer[0] = 1  # type: ignore[index]
    assert bytes(array) == data[:size]


def test_every_view_has_the_same_address() -> None:
    buffer = _buffer(bytes(4096))
    address = np.frombuffer(memoryview(buffer), np.uint8).ctypes.data

    assert buffer.view("float32").ctypes.data == address
    assert np.from_dlpack(buffer).ctypes.data == address
    assert np.asarray(memoryview(buffer)).ctypes.data == address
    assert buffer[64:].view(np.uint8).ctypes.data == address + 64


def test_a_write_shows_in_every_view() -> None:
    buffer = _buffer(b"abcdef")
    readonly, part = buffer.toreadonly(), buffer[2:4]

    memoryview(buffer)[2] = ord("C")
    memoryview(part)[1] = ord("D")

    assert buffer == readonly == b"abCDef"
    assert np.from_dlpack(buffer)[3] == ord("D")


def test_the_buffer_protocol_tells_one_dimension_of_bytes() -> None:
    view = memoryview(_buffer(b"abc"))

    assert (view.format, view.itemsize, view.ndim) == ("B", 1, 1)
    assert (view.shape, view.strides, view.contiguous) == ((3,), (1,), True)


def test_readonly_memory_is_never_lent_for_writing() -> None:
    readonly = _buffer(b"abcd").toreadonly()

    assert readonly.readonly
    assert readonly[1:].readonly
    assert memoryview(readonly).readonly
    assert not readonly.view(np.uint8).flags.writeable
    assert not np.from_dlpack(readonly).flags.writeable
    with pytest.raises(BufferError, match="read-only"):
        readonly.__dlpack__()
    with pytest.raises(s3.InvalidInputError, match="writable"):
        s3.read_into(BASE + "k", readonly)


def test_slices_share_and_indices_read() -> None:
    buffer = _buffer(b"abcdef")

    assert buffer[1:3] == b"bc"
    assert buffer[-2:] == b"ef"
    assert buffer[4:2] == b""
    assert buffer[10:] == b""
    assert buffer[:] == buffer
    assert (buffer[0], buffer[-1]) == (ord("a"), ord("f"))
    assert list(buffer[:2]) == [ord("a"), ord("b")]
    for index in (6, -7):
        with pytest.raises(IndexError):
            buffer[index]
    for step in (2, -1):
        with pytest.raises(ValueError, match="step must be 1"):
            buffer[::step]
    with pytest.raises(TypeError):
        buffer["a"]  # type: ignore[call-overload]


def test_equality_is_that_of_bytes() -> None:
    buffer = _buffer(b"abc")

    for same in (b"abc", bytearray(b"abc"), memoryview(b"abc"), np.frombuffer(b"abc", np.uint8)):
        assert buffer == same
        assert (buffer != same) is False
    for other in (b"abd", b"ab", b"", "abc", 3, None):
        assert buffer != other
    with pytest.raises(TypeError, match="unhashable"):
        hash(buffer)


def test_copies_and_checksum() -> None:
    buffer = _buffer(b"123456789")

    assert buffer.tobytes() == bytes(buffer) == b"123456789"
    assert buffer.crc32c() == 0xE3069283
    assert _buffer(b"").crc32c() == 0
    assert repr(buffer) == "<s3dlio.Buffer of 9 bytes>"


def test_views_have_dtype_and_shape() -> None:
    values = np.arange(24, dtype="<f4")
    buffer = _buffer(values.tobytes())

    assert np.array_equal(buffer.view("<f4", (4, 6)), values.reshape(4, 6))
    assert buffer.view(np.float32, (2, -1)).shape == (2, 12)
    assert buffer.view("u1", 96).shape == (96,)
    assert buffer[:0].view("f8").shape == (0,)
    for dtype, shape, message in (
        ("f4", (5, 5), r"24 items do not make the shape \(5, 5\)"),
        ("S5", None, r"96 bytes are not a whole number of \|S5 items"),
        ("S0", None, r"96 bytes are not a whole number of \|S0 items"),
        ("O", None, r"bytes cannot be object items"),
    ):
        with pytest.raises(s3.InvalidInputError, match=message):
            buffer.view(dtype, shape)


def test_dlpack_in_every_version() -> None:
    buffer = _buffer(b"abcd")

    assert buffer.__dlpack_device__() == (1, 0)
    assert '"dltensor"' in repr(buffer.__dlpack__())
    assert '"dltensor"' in repr(buffer.__dlpack__(max_version=(0, 8)))
    assert '"dltensor_versioned"' in repr(buffer.__dlpack__(max_version=(1, 0)))
    assert '"dltensor_versioned"' in repr(buffer.__dlpack__(max_version=(1, 3), dl_device=(1, 0)))
    for refused in ({"stream": 1}, {"dl_device": (2, 0)}):
        with pytest.raises(BufferError):
            buffer.__dlpack__(**refused)


def test_dlpack_copies_only_when_asked() -> None:
    readonly = _buffer(b"abcd").toreadonly()

    copy = np.from_dlpack(readonly, copy=True)
    copy[0] = 0

    assert copy.flags.writeable
    assert readonly == b"abcd"


def test_empty_memory_in_every_form() -> None:
    empty = _buffer(b"")

    assert empty == b"" == bytes(empty)
    assert not empty
    assert memoryview(empty).nbytes == 0
    assert np.from_dlpack(empty).shape == (0,)
    assert empty.view("f4", (0, 3)).shape == (0, 3)


@pytest.mark.parametrize("share", [memoryview, np.from_dlpack, lambda buffer: buffer.view("u1")])
def test_what_shares_the_memory_keeps_it(share: object) -> None:
    assert callable(share)
    buffer = _buffer(b"abcd" * 1000)
    shared = share(buffer)
    gone = weakref.ref(buffer)

    del buffer
    gc.collect()

    assert bytes(shared) == b"abcd" * 1000
    del shared
    gc.collect()
    assert gone() is None


def test_memory_goes_back_to_the_pool() -> None:
    size = 32 << 20
    buffer = _buffer(bytes(size))
    address = buffer.view("u1").ctypes.data

    del buffer
    gc.collect()
    again = s3.get(BASE + "k")

    assert again.view("u1").ctypes.data == address


@pytest.mark.parametrize("protocol", range(2, 6))
def test_a_pickle_holds_the_bytes(protocol: int) -> None:
    for buffer in (_buffer(b"abcd" * 30_000), _buffer(b""), _buffer(b"abcd").toreadonly()):
        again = pickle.loads(pickle.dumps(buffer, protocol))  # noqa: S301 - our own

        assert again == buffer
        assert again.readonly == buffer.readonly
    out_of_band: list[pickle.PickleBuffer] = []
    head = pickle.dumps(_buffer(bytes(100_000)), 5, buffer_callback=out_of_band.append)
    assert len(head) < 1000
    again = pickle.loads(head, buffers=out_of_band)  # noqa: S301 - our own
    assert len(again) == 100_000

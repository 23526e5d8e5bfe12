"""Objects as binary files: read from any place in them, or written in bounded memory."""

from __future__ import annotations

import io
import os
import warnings
from typing import TYPE_CHECKING, overload

from s3dlio import _s3dlio
from s3dlio.exceptions import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import Any, Literal

    from s3dlio._types import Memory, OptionsLike

__all__ = ["ObjectReader", "ObjectWriter", "open"]

# Small reads are served out of a buffer of this size; larger ones go past it.
_BUFFER = 256 << 10


@overload
def open(
    uri: str, mode: Literal["rb"] = "rb", *, options: OptionsLike | None = None
) -> ObjectReader: ...
@overload
def open(
    uri: str,
    mode: Literal["wb"],
    *,
    if_none_match: bool = False,
    metadata: Mapping[str, str] | None = None,
    content_type: str | None = None,
    storage_class: str | None = None,
    tier: str | None = None,
    options: OptionsLike | None = None,
) -> ObjectWriter: ...
def open(
    uri: str,
    mode: str = "rb",
    *,
    if_none_match: bool = False,
    metadata: Mapping[str, str] | None = None,
    content_type: str | None = None,
    storage_class: str | None = None,
    tier: str | None = None,
    options: OptionsLike | None = None,
) -> ObjectReader | ObjectWriter:
    """Opens an object as a binary file.

    A file to read (`"rb"`) is seekable and of one version of the object, the one that its first
    read meets; no request is sent before. Reads that follow each other are read ahead; a large
    `readinto` or `read` is many ranges at once, straight into the memory. Nothing is compared with
    a stored checksum, which is one of the whole object: `get` does that.

    A file to write (`"wb"`) is uploaded while it is written, in bounded memory. `close` makes the
    object visible. What was there before stays where the `with` block of the file ends by an
    exception, and where the file is dropped without `close`, which warns. A wrapper that closes the
    file by itself, as `io.TextIOWrapper` does at the end of its own `with` block, makes the object
    visible whatever has happened: have the `with` block of this file around it, and `flush` or
    `detach` the wrapper.

    Args:
        uri: The object.
        mode: `"rb"` or `"wb"`.
        if_none_match: As for `put`, at the end of a write.
        metadata: As for `put`.
        content_type: As for `put`.
        storage_class: As for `put`.
        tier: As for `put`.
        options: Settings of this file, as a dict or `Options`.

    Returns:
        An `io.BufferedIOBase`: `ObjectReader`, which is an `io.BufferedReader`, or `ObjectWriter`.

    Raises:
        InvalidInputError: Another mode, a bad URI, or a setting of writes in a read.
        NotFoundError: There is no such object; raised by the first read.
        PreconditionError: The object was replaced since; raised by a read.

    Example:
        >>> import s3dlio
        >>> s3dlio.create_bucket("memory://doc-open/")
        >>> with s3dlio.open("memory://doc-open/k", "wb") as file:
        ...     _ = file.write(b"first line"), file.write(b", second line")
        >>> s3dlio.open("memory://doc-open/k").read(5)
        b'first'
    """
    if mode == "wb":
        return ObjectWriter(
            uri,
            if_none_match=if_none_match,
            metadata=metadata,
            content_type=content_type,
            storage_class=storage_class,
            tier=tier,
            options=options,
        )
    if mode != "rb":
        raise InvalidInputError(f"mode must be 'rb' or 'wb', not {mode!r}", op="open", uri=uri)
    if any((if_none_match, metadata, content_type, storage_class, tier)):
        detail = "if_none_match, metadata, content_type, storage_class and tier are for mode 'wb'"
        raise InvalidInputError(detail, op="open", uri=uri)
    return ObjectReader(uri, options=options)


class _Ranges(io.RawIOBase):
    """Reads without a buffer; `ObjectReader` puts one before them."""

    mode = "rb"

    def __init__(self, uri: str, options: OptionsLike | None) -> None:
        super().__init__()
        self.name = uri
        self._reader = _s3dlio.Reader(uri, options)
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        if self.closed:
            raise ValueError("I/O operation on closed file")
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        match whence:
            case os.SEEK_SET:
                position = offset
            case os.SEEK_CUR:
                position = self._position + offset
            case _:  # the buffer lets through no other
                position = self.size() + offset
        if position < 0:
            detail = f"position {position} is before the start of the object"
            raise InvalidInputError(detail, op="open", uri=self.name)
        self._position = position
        return position

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - any writable memory
        count = self._reader.readinto(self._position, buffer)
        self._position += count
        return count

    def size(self) -> int:
        return self._reader.size()

    def close(self) -> None:
        if not self.closed:
            self._reader.close()
        super().close()


class ObjectReader(io.BufferedReader):
    """An object open for reading; see `s3dlio.open`."""

    def __init__(self, uri: str, *, options: OptionsLike | None = None) -> None:
        self._ranges = _Ranges(uri, options)
        super().__init__(self._ranges, _BUFFER)

    def size(self) -> int:
        """Size of the object in bytes; asked for only where no read has told it.

        Returns:
            An int.

        Raises:
            NotFoundError: There is no such object.
        """
        return self._ranges.size()

    def read(self, size: int | None = -1, /) -> bytes:
        """Reads `size` bytes, or all that are left.

        Args:
            size: Bytes to read; None or a negative number reads to the end.

        Returns:
            `bytes`; fewer than `size` at the end of the object.

        Raises:
            StorageError: As `s3dlio.get`; `PreconditionError` where the object was replaced.
        """
        if size is None or size < 0:
            # Of a known size, they are read straight into the memory of the result.
            size = max(self.size() - self.tell(), 0)
        return super().read(size)

    def __repr__(self) -> str:
        return f"<s3dlio.file.ObjectReader {self._ranges.name!r}>"


class ObjectWriter(io.BufferedIOBase):
    """An object open for writing; see `s3dlio.open`."""

    mode = "wb"

    def __init__(
        self,
        uri: str,
        *,
        if_none_match: bool = False,
        metadata: Mapping[str, str] | None = None,
        content_type: str | None = None,
        storage_class: str | None = None,
        tier: str | None = None,
        options: OptionsLike | None = None,
    ) -> None:
        super().__init__()
        self.name = uri
        self._process = os.getpid()
        self._written = 0
        self._writer: _s3dlio.Writer | None = None
        how = (if_none_match, metadata, content_type, storage_class, tier)
        self._writer = _s3dlio.Writer(uri, *how, options)

    def writable(self) -> bool:
        """True.

        Returns:
            Whether `write` can be called.
        """
        return True

    def write(self, data: Memory, /) -> int:
        """Appends bytes; waits while too much is under way.

        Args:
            data: Any C-contiguous buffer or CPU tensor; it may be changed after the call.

        Returns:
            Bytes written: all of them.

        Raises:
            StorageError: Of this or an earlier part of the upload, which is then given up.
            ValueError: The file is closed.
        """
        count = self._open().write(data)
        self._written += count
        return count

    def tell(self) -> int:
        """Bytes written so far.

        Returns:
            An int.
        """
        self._open()
        return self._written

    def flush(self) -> None:
        """Does nothing: parts are sent when full, and the object shows when it is closed."""
        self._open()

    def close(self) -> None:
        """Makes the object visible.

        Raises:
            StorageError: Of any part of the upload; what was there before is then still there.
        """
        if self.closed:
            return
        try:
            self._open().finish()
        finally:
            self._end()

    def abort(self) -> None:
        """Closes the file and leaves what was there before."""
        if self.closed:
            return
        try:
            # The upload of a parent is not a forked child's to give up.
            if self._process == os.getpid():
                self._open().abort()
        finally:
            self._end()

    def _open(self) -> _s3dlio.Writer:
        if self._writer is None:
            raise ValueError("I/O operation on closed file")
        return self._writer

    def _end(self) -> None:
        super().close()
        self._writer = None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()

    def __del__(self) -> None:
        writer = getattr(self, "_writer", None)
        if writer is None or self._process != os.getpid():
            return
        # Not close(), which would show an object that may lack its end.
        writer.close()
        warnings.warn(f"{self!r} was not closed: nothing is written", ResourceWarning, 2, self)

    def __repr__(self) -> str:
        return f"<s3dlio.file.ObjectWriter {self.name!r}>"

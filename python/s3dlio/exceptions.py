"""What can go wrong, as a tree under one root.

Each class also derives from the builtin that Python code would catch, the builtin first: in the
other order `errno` would be lost.
"""

from __future__ import annotations

import errno as _errno
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import ClassVar

    from s3dlio._s3dlio import SyncReport, TransferReport

__all__ = [
    "AccessDeniedError",
    "AlreadyExistsError",
    "CheckpointConflictError",
    "CheckpointCorruptError",
    "CheckpointError",
    "CheckpointIncompleteError",
    "ConnectionFailedError",
    "IntegrityError",
    "InvalidInputError",
    "LocalIOError",
    "ManifestVersionError",
    "NotEmptyError",
    "NotFoundError",
    "PreconditionError",
    "ServerError",
    "ShortReadError",
    "StorageError",
    "StorageTimeoutError",
    "ThrottledError",
    "UnsafePathError",
    "UnsupportedError",
]


class StorageError(Exception):
    """The root of every error of this package.

    `str(error)` is one line: verb, target, the service's code, attempts and the innermost cause.
    All errors survive `pickle` and `copy` with their attributes.

    Attributes:
        op: The verb that failed, as `"get"`; None where no verb had begun.
        uri: What it was about.
        code: The service's own code, as `"NoSuchKey"`, or the name of an errno.
        status: The HTTP status, where there was one.
        request_id: The service's name for the request.
        attempts: Requests sent before giving up; 0 where none was.
        elapsed_s: Seconds from the start of the verb.
        retryable: Whether trying the same again later could work.
        failures: Of a verb on many objects that goes on past a failure: `(uri, exception)` for each
            of them; else empty.
        report: Of `upload`, `download` and `sync`: what was done all the same, as they return it.

    Example:
        >>> import s3dlio
        >>> try:
        ...     s3dlio.get("memory://doc-no-such-bucket/k")
        ... except FileNotFoundError as error:
        ...     print(type(error).__name__, error.op, error.code)
        NotFoundError get NoSuchBucket
    """

    # Of an error that came without one, where the builtin has the attribute.
    _default_errno: ClassVar[int | None] = None

    op: str | None
    uri: str | None
    code: str | None
    status: int | None
    request_id: str | None
    attempts: int
    elapsed_s: float | None
    retryable: bool
    failures: list[tuple[str, StorageError]]
    report: TransferReport | SyncReport | None

    def __init__(
        self,
        message: str = "",
        *,
        op: str | None = None,
        uri: str | None = None,
        code: str | None = None,
        status: int | None = None,
        request_id: str | None = None,
        attempts: int = 0,
        elapsed_s: float | None = None,
        retryable: bool = False,
        errno: int | None = None,
    ) -> None:
        # Not super(): the builtin bases come first and take other arguments.
        Exception.__init__(self, message)
        self.op = op
        self.uri = uri
        self.code = _errno.errorcode.get(errno or 0) if code is None else code
        self.status = status
        self.request_id = request_id
        self.attempts = attempts
        self.elapsed_s = elapsed_s
        self.retryable = retryable
        self.failures = []
        self.report = None
        _set_errno(self, self._default_errno if errno is None else errno)

    def __init_subclass__(cls) -> None:
        # The builtin bases come first, for errno; their constructors must not.
        super().__init_subclass__()
        for name in ("__init__", "__reduce__"):
            owner = next(base for base in cls.__mro__ if name in vars(base))
            if not issubclass(owner, StorageError):
                setattr(cls, name, getattr(StorageError, name))

    def __reduce__(self) -> tuple[object, ...]:
        return _restore, (type(self), self.args, self.__dict__, _get_errno(self))


def _get_errno(error: Exception) -> int | None:
    return error.errno if isinstance(error, OSError) else None


def _set_errno(error: Exception, number: int | None) -> None:
    if isinstance(error, OSError):
        error.errno = number


def _restore(
    kind: type[StorageError],
    args: tuple[str, ...],
    attributes: dict[str, object],
    errno: int | None,
) -> StorageError:
    """For pickle and copy: errno is no attribute like the others, but a field of the builtin."""
    error = kind(*args, errno=errno)
    error.__dict__.update(attributes)
    return error


class NotFoundError(FileNotFoundError, StorageError):
    """A definite 404 or ENOENT, and nothing else."""

    _default_errno = _errno.ENOENT


class AlreadyExistsError(FileExistsError, StorageError):
    """The bucket exists, or `if_none_match=True` met an object."""

    _default_errno = _errno.EEXIST


class PreconditionError(StorageError):
    """The object was replaced meanwhile (If-Match was not met)."""


class NotEmptyError(OSError, StorageError):
    """A bucket that still holds something was to be deleted."""

    _default_errno = _errno.ENOTEMPTY


class ShortReadError(EOFError, StorageError):
    """The object ends before the destination of `read_into` is full."""


class UnsupportedError(NotImplementedError, StorageError):
    """The store has no such operation."""


class AccessDeniedError(PermissionError, StorageError):
    """401, 403, EACCES, EPERM or EROFS."""

    _default_errno = _errno.EACCES


class InvalidInputError(ValueError, StorageError):
    """A bad URI, option, level or range."""


class UnsafePathError(ValueError, StorageError):
    """A key that would leave the target directory, or two keys for one file."""


class StorageTimeoutError(TimeoutError, StorageError):
    """A transfer stalled, or a deadline passed."""

    _default_errno = _errno.ETIMEDOUT


class ConnectionFailedError(ConnectionError, StorageError):
    """Refused, reset, TLS or DNS, after the retries."""


class ThrottledError(StorageError):
    """429 or 503 SlowDown, after the retries."""


class ServerError(StorageError):
    """Another 5xx, or an answer that makes no sense, after the retries."""


class IntegrityError(StorageError):
    """Length, checksum or decompression does not match."""


class LocalIOError(OSError, StorageError):
    """Any other error of the local system, with its errno."""


class CheckpointError(StorageError):
    """A checkpoint operation failed for a reason of its own."""


class CheckpointIncompleteError(CheckpointError):
    """Not every rank of the checkpoint finished."""


class CheckpointConflictError(CheckpointError):
    """Another attempt committed the same step."""


class CheckpointCorruptError(CheckpointError, IntegrityError):
    """What is stored of a checkpoint is damaged."""


class ManifestVersionError(CheckpointError):
    """The checkpoint was written in a later format."""

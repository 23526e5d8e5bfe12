"""The exception tree: what users catch, and that it survives a process border."""

from __future__ import annotations

import copy
import errno
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import s3dlio as s3
from python.child import pickled, run
from s3dlio import exceptions

if TYPE_CHECKING:
    from collections.abc import Callable

BUILTINS: dict[type[s3.StorageError], type[Exception] | None] = {
    s3.NotFoundError: FileNotFoundError,
    s3.AlreadyExistsError: FileExistsError,
    s3.PreconditionError: None,
    s3.NotEmptyError: OSError,
    s3.ShortReadError: EOFError,
    s3.UnsupportedError: NotImplementedError,
    s3.AccessDeniedError: PermissionError,
    s3.InvalidInputError: ValueError,
    s3.UnsafePathError: ValueError,
    s3.StorageTimeoutError: TimeoutError,
    s3.ConnectionFailedError: ConnectionError,
    s3.ThrottledError: None,
    s3.ServerError: None,
    s3.IntegrityError: None,
    s3.LocalIOError: OSError,
    s3.CheckpointError: None,
    s3.CheckpointIncompleteError: None,
    s3.CheckpointConflictError: None,
    s3.CheckpointCorruptError: None,
    s3.ManifestVersionError: None,
}
FACTS: dict[str, object] = {
    "op": "get",
    "uri": "s3://b/k",
    "code": "SlowDown",
    "status": 503,
    "request_id": "17A",
    "attempts": 8,
    "elapsed_s": 41.2,
    "retryable": True,
}
CLASSES = [s3.StorageError, *BUILTINS]


def _facts(error: s3.StorageError) -> dict[str, object]:
    return {name: getattr(error, name) for name in FACTS}


def test_the_tree_is_complete() -> None:
    defined = {getattr(exceptions, name) for name in exceptions.__all__}

    assert defined == set(CLASSES)
    assert all(getattr(s3, name) for name in exceptions.__all__)


@pytest.mark.parametrize(("kind", "builtin"), BUILTINS.items())
def test_the_builtin_comes_first(
    kind: type[s3.StorageError], builtin: type[Exception] | None
) -> None:
    assert issubclass(kind, s3.StorageError)
    if builtin is not None:
        assert kind.__bases__ == (builtin, s3.StorageError)


def test_a_corrupt_checkpoint_is_an_integrity_error() -> None:
    assert issubclass(s3.CheckpointCorruptError, s3.IntegrityError)
    assert issubclass(s3.CheckpointCorruptError, s3.CheckpointError)


@pytest.mark.parametrize(
    "clone",
    [
        lambda error: pickled(error, 2),
        pickled,
        copy.copy,
        copy.deepcopy,
    ],
    ids=["pickle2", "pickle", "copy", "deepcopy"],
)
@pytest.mark.parametrize("kind", CLASSES)
def test_every_class_is_cloned_whole(
    kind: type[s3.StorageError], clone: Callable[[s3.StorageError], s3.StorageError]
) -> None:
    error = kind("get s3://b/k: no", errno=errno.EIO, **FACTS)  # type: ignore[arg-type]

    twin = clone(error)

    assert type(twin) is kind
    assert str(twin) == str(error) == "get s3://b/k: no"
    assert _facts(twin) == FACTS
    if issubclass(kind, OSError):
        assert getattr(twin, "errno", None) == errno.EIO


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        (s3.NotFoundError, errno.ENOENT),
        (s3.AlreadyExistsError, errno.EEXIST),
        (s3.NotEmptyError, errno.ENOTEMPTY),
        (s3.AccessDeniedError, errno.EACCES),
        (s3.StorageTimeoutError, errno.ETIMEDOUT),
        (s3.LocalIOError, None),
    ],
)
def test_errno_is_what_the_builtin_means(kind: type[OSError], number: int | None) -> None:
    assert kind("no").errno == number


def test_a_verb_fills_the_attributes() -> None:
    with pytest.raises(FileNotFoundError, match=r"^get memory://errors/k: ") as caught:
        s3.get("memory://errors/k")

    error = caught.value
    assert isinstance(error, s3.NotFoundError)
    assert (error.op, error.uri, error.code) == ("get", "memory://errors/k", "NoSuchBucket")
    assert (error.status, error.request_id, error.retryable) == (None, None, False)
    assert error.errno == errno.ENOENT
    assert error.elapsed_s is not None
    assert error.elapsed_s >= 0


def test_the_errno_of_the_system_is_kept(tmp_path: Path) -> None:
    # A limit on the size of files is the one failure of a disk that every machine can have.
    printed = run(
        """
import resource, sys
import s3dlio as s3
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    s3.put(sys.argv[1], bytes(100_000))
except OSError as error:
    print(type(error).__name__, error.errno, error.code, error.op)
""",
        f"file://{tmp_path}/k",
    )

    assert printed.split() == ["LocalIOError", str(errno.EFBIG), "EFBIG", "put"]


def test_the_documentation_has_every_class() -> None:
    page = Path(__file__).parents[2] / "docs" / "reliability.md"
    text = page.read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (.*?) ?\| .+ \|$", text, re.MULTILINE)

    classes = [getattr(s3, name) for name in exceptions.__all__ if name != "StorageError"]

    assert {name: re.findall(r"\w+", bases) for name, bases in rows} == {
        each.__name__: [base.__name__ for base in each.__bases__ if base is not s3.StorageError]
        for each in classes
    }

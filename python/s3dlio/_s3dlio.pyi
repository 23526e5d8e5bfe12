import builtins
from asyncio import Future
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pickle import PickleBuffer
from typing import Any, Literal, NotRequired, Self, SupportsIndex, TypedDict, final, overload

import numpy as np
from typing_extensions import CapsuleType

from s3dlio._types import Memory, OptionsLike, PathLike, ProgressLike
from s3dlio.exceptions import StorageError

__all__ = [
    "Buffer",
    "CopyResult",
    "Entry",
    "GenerateReport",
    "Meter",
    "Pages",
    "PutResult",
    "Reader",
    "Reads",
    "ShardReport",
    "Shards",
    "SyncReport",
    "TransferProgress",
    "TransferReport",
    "Writer",
    "Writes",
    "__version__",
    "_restore_buffer",
    "_unknown_option",
    "copy",
    "copy_async",
    "create_bucket",
    "create_bucket_async",
    "delete",
    "delete_async",
    "delete_bucket",
    "delete_bucket_async",
    "delete_many",
    "delete_many_async",
    "download",
    "download_async",
    "exists",
    "exists_async",
    "generate",
    "generate_async",
    "get",
    "get_async",
    "get_many",
    "get_many_async",
    "get_many_stats",
    "get_many_stats_async",
    "get_range",
    "get_range_async",
    "init_logging",
    "list",
    "list_async",
    "list_uris",
    "list_uris_async",
    "presign",
    "presign_async",
    "put",
    "put_async",
    "put_vectored",
    "put_vectored_async",
    "read_into",
    "read_into_async",
    "read_into_many",
    "read_into_many_async",
    "run_cli",
    "set_tier",
    "set_tier_async",
    "settings",
    "stat",
    "stat_async",
    "stat_many",
    "stat_many_async",
    "sync",
    "sync_async",
    "upload",
    "upload_async",
]

__version__: str

class _Setting(TypedDict):
    name: str
    env: tuple[str, ...]
    kind: Literal["text", "secret", "choice", "count", "size", "seconds", "switch"]
    choices: tuple[str, ...] | None
    default: str
    help: str
    per_process: bool

class _Stat(TypedDict):
    size: int
    last_modified: str | None
    etag: str | None
    content_type: str | None
    content_language: str | None
    storage_class: str | None
    metadata: dict[str, str]
    version_id: str | None
    replication_status: str | None
    server_side_encryption: str | None
    ssekms_key_id: str | None
    tier: NotRequired[str | None]

@final
class Buffer:
    @property
    def readonly(self) -> bool: ...
    def view(
        self, dtype: np.typing.DTypeLike, shape: int | tuple[int, ...] | None = None
    ) -> np.ndarray[Any, np.dtype[Any]]: ...
    def __reduce_ex__(self, protocol: SupportsIndex, /) -> tuple[object, ...]: ...
    def tobytes(self) -> bytes: ...
    def toreadonly(self) -> Buffer: ...
    def crc32c(self) -> int: ...
    def __len__(self) -> int: ...
    def __bytes__(self) -> bytes: ...
    @overload
    def __getitem__(self, index: SupportsIndex, /) -> int: ...
    @overload
    def __getitem__(self, index: slice, /) -> Buffer: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]
    def __iter__(self) -> Iterator[int]: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...
    def __dlpack__(
        self,
        *,
        stream: None = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> CapsuleType: ...
    def __dlpack_device__(self) -> tuple[int, int]: ...

@final
class CopyResult:
    __match_args__ = ("etag", "size", "crc32c", "version_id")
    def __new__(
        cls, etag: str | None, size: int, crc32c: int | None, version_id: str | None
    ) -> Self: ...
    @property
    def etag(self) -> str | None: ...
    @property
    def size(self) -> int: ...
    @property
    def crc32c(self) -> int | None: ...
    @property
    def version_id(self) -> str | None: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __getnewargs__(self) -> tuple[str | None, int, int | None, str | None]: ...

@final
class GenerateReport:
    def __new__(cls, objects: int, bytes: int, elapsed_s: float, seed: int) -> Self: ...
    @property
    def objects(self) -> int: ...
    @property
    def bytes(self) -> int: ...
    @property
    def elapsed_s(self) -> float: ...
    @property
    def seed(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __getnewargs__(self) -> tuple[int, int, float, int]: ...

@final
class Entry:
    __match_args__ = ("key", "size", "etag", "last_modified")
    def __new__(cls, key: str, size: int, etag: str | None, last_modified: str | None) -> Self: ...
    @property
    def key(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def etag(self) -> str | None: ...
    @property
    def last_modified(self) -> str | None: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __getnewargs__(self) -> tuple[str, int, str | None, str | None]: ...

@final
class Pages:
    def __new__(
        cls, uri: str, recursive: bool, pattern: str | None, options: OptionsLike | None
    ) -> Self: ...
    def next(self) -> builtins.list[Entry]: ...
    def next_async(self) -> Future[builtins.list[Entry]]: ...

@final
class PutResult:
    __match_args__ = ("etag", "size", "crc32c", "version_id", "span_crc32c")
    def __new__(
        cls,
        etag: str | None,
        size: int,
        crc32c: int,
        version_id: str | None,
        span_crc32c: Sequence[int] = ...,
    ) -> Self: ...
    @property
    def etag(self) -> str | None: ...
    @property
    def size(self) -> int: ...
    @property
    def crc32c(self) -> int: ...
    @property
    def version_id(self) -> str | None: ...
    @property
    def span_crc32c(self) -> tuple[int, ...]: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __getnewargs__(
        self,
    ) -> tuple[str | None, int, int, str | None, builtins.list[int]]: ...

@final
class Reader:
    def __new__(cls, uri: str, options: OptionsLike | None) -> Self: ...
    def size(self) -> int: ...
    def readinto(self, offset: int, dst: Memory) -> int: ...
    def close(self) -> None: ...

@final
class Reads:
    def __new__(cls, ordered: bool, max_in_flight: int, options: OptionsLike | None) -> Self: ...
    def has_room(self) -> bool: ...
    def push(self, uri: str) -> None: ...
    def next(self) -> tuple[int, Buffer] | None: ...
    def next_async(self) -> Future[tuple[int, Buffer] | None]: ...
    def close(self) -> None: ...

@final
class ShardReport:
    def __new__(
        cls,
        uri: str,
        raw_size: int,
        stored_size: int,
        ratio: float,
        raw_crc32c: int,
        stored_crc32c: int,
        elapsed_s: float,
    ) -> Self: ...
    @property
    def uri(self) -> str: ...
    @property
    def raw_size(self) -> int: ...
    @property
    def stored_size(self) -> int: ...
    @property
    def ratio(self) -> float: ...
    @property
    def raw_crc32c(self) -> int: ...
    @property
    def stored_crc32c(self) -> int: ...
    @property
    def elapsed_s(self) -> float: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __getnewargs__(self) -> tuple[str, int, int, float, int, int, float]: ...

@final
class Shards:
    def __new__(
        cls, uri: str, compression_level: int | None, options: OptionsLike | None
    ) -> Self: ...
    def put_shard(self, name: str, rank: int, data: Memory) -> ShardReport: ...
    def put_shard_async(self, name: str, rank: int, data: Memory) -> Future[ShardReport]: ...
    def get_shard(self, name: str, rank: int) -> Buffer: ...
    def get_shard_async(self, name: str, rank: int) -> Future[Buffer]: ...

@final
class Writer:
    def __new__(
        cls,
        uri: str,
        if_none_match: bool,
        metadata: Mapping[str, str] | None,
        content_type: str | None,
        storage_class: str | None,
        tier: str | None,
        options: OptionsLike | None,
    ) -> Self: ...
    def write(self, data: Memory) -> int: ...
    def finish(self) -> PutResult: ...
    def abort(self) -> None: ...
    def close(self) -> None: ...

@final
class Writes:
    def __new__(
        cls,
        max_in_flight: int,
        if_none_match: bool,
        metadata: Mapping[str, str] | None,
        content_type: str | None,
        storage_class: str | None,
        tier: str | None,
        options: OptionsLike | None,
    ) -> Self: ...
    def has_room(self) -> bool: ...
    def push(self, object: tuple[str, Memory]) -> None: ...
    def room(self) -> None: ...
    def room_async(self) -> Future[None]: ...
    def finish(self) -> builtins.list[PutResult]: ...
    def finish_async(self) -> Future[builtins.list[PutResult]]: ...
    def close(self) -> None: ...

@final
class SyncReport:
    def __new__(
        cls,
        files: int,
        bytes: int,
        deleted: int,
        skipped: int,
        alike: int,
        symlinks: int,
        kept: builtins.list[str],
        elapsed_s: float,
        actions: builtins.list[tuple[str, str | None, str]],
    ) -> Self: ...
    @property
    def files(self) -> int: ...
    @property
    def bytes(self) -> int: ...
    @property
    def deleted(self) -> int: ...
    @property
    def skipped(self) -> int: ...
    @property
    def alike(self) -> int: ...
    @property
    def symlinks(self) -> int: ...
    @property
    def kept(self) -> builtins.list[str]: ...
    @property
    def elapsed_s(self) -> float: ...
    @property
    def actions(self) -> builtins.list[tuple[str, str | None, str]]: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __getnewargs__(
        self,
    ) -> tuple[
        int,
        int,
        int,
        int,
        int,
        int,
        builtins.list[str],
        float,
        builtins.list[tuple[str, str | None, str]],
    ]: ...

@final
class TransferReport:
    def __new__(
        cls, files: int, bytes: int, resumed: int, skipped: int, symlinks: int, elapsed_s: float
    ) -> Self: ...
    @property
    def files(self) -> int: ...
    @property
    def bytes(self) -> int: ...
    @property
    def resumed(self) -> int: ...
    @property
    def skipped(self) -> int: ...
    @property
    def symlinks(self) -> int: ...
    @property
    def elapsed_s(self) -> float: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __getnewargs__(self) -> tuple[int, int, int, int, int, float]: ...

@final
class TransferProgress:
    __match_args__ = ("bytes_done", "bytes_total", "files_done", "files_total")
    def __new__(
        cls, bytes_done: int, bytes_total: int, files_done: int, files_total: int
    ) -> Self: ...
    @property
    def bytes_done(self) -> int: ...
    @property
    def bytes_total(self) -> int: ...
    @property
    def files_done(self) -> int: ...
    @property
    def files_total(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __getnewargs__(self) -> tuple[int, int, int, int]: ...

@final
class Meter:
    def now(self) -> TransferProgress: ...

def upload(
    src: PathLike | Iterable[PathLike],
    dest: str,
    *,
    recursive: bool = True,
    create_bucket: bool = False,
    follow_symlinks: bool = False,
    if_none_match: bool = False,
    metadata: Mapping[str, str] | None = None,
    content_type: str | None = None,
    storage_class: str | None = None,
    tier: str | None = None,
    max_in_flight: int = 32,
    progress: ProgressLike = None,
    options: OptionsLike | None = None,
) -> TransferReport: ...
def upload_async(
    src: PathLike | Iterable[PathLike],
    dest: str,
    *,
    recursive: bool = True,
    create_bucket: bool = False,
    follow_symlinks: bool = False,
    if_none_match: bool = False,
    metadata: Mapping[str, str] | None = None,
    content_type: str | None = None,
    storage_class: str | None = None,
    tier: str | None = None,
    max_in_flight: int = 32,
    progress: ProgressLike = None,
    options: OptionsLike | None = None,
) -> tuple[Future[TransferReport], Meter]: ...
def download(
    src: PathLike | Iterable[PathLike],
    dest_dir: PathLike,
    *,
    recursive: bool = True,
    max_in_flight: int = 64,
    progress: ProgressLike = None,
    options: OptionsLike | None = None,
) -> TransferReport: ...
def download_async(
    src: PathLike | Iterable[PathLike],
    dest_dir: PathLike,
    *,
    recursive: bool = True,
    max_in_flight: int = 64,
    progress: ProgressLike = None,
    options: OptionsLike | None = None,
) -> tuple[Future[TransferReport], Meter]: ...
def sync(
    src: PathLike,
    dst: PathLike,
    *,
    delete: bool = False,
    dry_run: bool = False,
    follow_symlinks: bool = False,
    compare: Literal["size", "size+mtime", "etag", "checksum"] = "size+mtime",
    if_none_match: bool = False,
    metadata: Mapping[str, str] | None = None,
    content_type: str | None = None,
    storage_class: str | None = None,
    tier: str | None = None,
    max_in_flight: int = 32,
    progress: ProgressLike = None,
    options: OptionsLike | None = None,
) -> SyncReport: ...
def sync_async(
    src: PathLike,
    dst: PathLike,
    *,
    delete: bool = False,
    dry_run: bool = False,
    follow_symlinks: bool = False,
    compare: Literal["size", "size+mtime", "etag", "checksum"] = "size+mtime",
    if_none_match: bool = False,
    metadata: Mapping[str, str] | None = None,
    content_type: str | None = None,
    storage_class: str | None = None,
    tier: str | None = None,
    max_in_flight: int = 32,
    progress: ProgressLike = None,
    options: OptionsLike | None = None,
) -> tuple[Future[SyncReport], Meter]: ...
def _unknown_option(name: str) -> str: ...
def _restore_buffer(data: Memory | PickleBuffer, readonly: bool) -> Buffer: ...
def get(
    uri: str,
    *,
    offset: int = 0,
    length: int | None = None,
    options: OptionsLike | None = None,
) -> Buffer: ...
def get_async(
    uri: str,
    *,
    offset: int = 0,
    length: int | None = None,
    options: OptionsLike | None = None,
) -> Future[Buffer]: ...
def get_range(
    uri: str,
    offset: int,
    length: int | None = None,
    *,
    options: OptionsLike | None = None,
) -> Buffer: ...
def get_range_async(
    uri: str,
    offset: int,
    length: int | None = None,
    *,
    options: OptionsLike | None = None,
) -> Future[Buffer]: ...
def read_into(
    uri: str, dst: Memory, *, offset: int = 0, options: OptionsLike | None = None
) -> int: ...
def read_into_async(
    uri: str, dst: Memory, *, offset: int = 0, options: OptionsLike | None = None
) -> tuple[Future[int], Callable[[], None]]: ...
def read_into_many(
    reads: Iterable[tuple[str, int, Memory]],
    *,
    max_gap: int = 1048576,
    options: OptionsLike | None = None,
) -> int: ...
def read_into_many_async(
    reads: Iterable[tuple[str, int, Memory]],
    *,
    max_gap: int = 1048576,
    options: OptionsLike | None = None,
) -> tuple[Future[int], Callable[[], None]]: ...
def put(
    uri: str,
    data: Memory,
    *,
    if_none_match: bool = False,
    metadata: Mapping[str, str] | None = None,
    content_type: str | None = None,
    storage_class: str | None = None,
    tier: str | None = None,
    options: OptionsLike | None = None,
) -> PutResult: ...
def put_async(
    uri: str,
    data: Memory,
    *,
    if_none_match: bool = False,
    metadata: Mapping[str, str] | None = None,
    content_type: str | None = None,
    storage_class: str | None = None,
    tier: str | None = None,
    options: OptionsLike | None = None,
) -> Future[PutResult]: ...
def copy(src: str, dst: str, *, options: OptionsLike | None = None) -> CopyResult: ...
def copy_async(src: str, dst: str, *, options: OptionsLike | None = None) -> Future[CopyResult]: ...
def presign(
    uri: str,
    *,
    method: str = "GET",
    expires_in: int = 3600,
    options: OptionsLike | None = None,
) -> str: ...
def presign_async(
    uri: str,
    *,
    method: str = "GET",
    expires_in: int = 3600,
    options: OptionsLike | None = None,
) -> Future[str]: ...
def set_tier(uri: str, tier: str, *, options: OptionsLike | None = None) -> None: ...
def set_tier_async(uri: str, tier: str, *, options: OptionsLike | None = None) -> Future[None]: ...
def put_vectored(
    uri: str,
    buffers: Iterable[Memory],
    *,
    if_none_match: bool = False,
    metadata: Mapping[str, str] | None = None,
    content_type: str | None = None,
    storage_class: str | None = None,
    tier: str | None = None,
    crc_spans: Iterable[tuple[int, int]] | None = None,
    options: OptionsLike | None = None,
) -> PutResult: ...
def put_vectored_async(
    uri: str,
    buffers: Iterable[Memory],
    *,
    if_none_match: bool = False,
    metadata: Mapping[str, str] | None = None,
    content_type: str | None = None,
    storage_class: str | None = None,
    tier: str | None = None,
    crc_spans: Iterable[tuple[int, int]] | None = None,
    options: OptionsLike | None = None,
) -> Future[PutResult]: ...
def stat(uri: str, *, options: OptionsLike | None = None) -> _Stat: ...
def stat_async(uri: str, *, options: OptionsLike | None = None) -> Future[_Stat]: ...
def stat_many(
    uris: Iterable[str], max_in_flight: int = 64, *, options: OptionsLike | None = None
) -> builtins.list[tuple[str, _Stat]]: ...
def stat_many_async(
    uris: Iterable[str], max_in_flight: int = 64, *, options: OptionsLike | None = None
) -> Future[builtins.list[tuple[str, _Stat]]]: ...
def exists(uri: str, *, options: OptionsLike | None = None) -> bool: ...
def exists_async(uri: str, *, options: OptionsLike | None = None) -> Future[bool]: ...
def get_many(
    uris: Iterable[str], max_in_flight: int = 64, *, options: OptionsLike | None = None
) -> builtins.list[tuple[str, Buffer]]: ...
def get_many_async(
    uris: Iterable[str], max_in_flight: int = 64, *, options: OptionsLike | None = None
) -> Future[builtins.list[tuple[str, Buffer]]]: ...
def get_many_stats(
    uris: Iterable[str], max_in_flight: int = 64, *, options: OptionsLike | None = None
) -> tuple[int, int]: ...
def get_many_stats_async(
    uris: Iterable[str], max_in_flight: int = 64, *, options: OptionsLike | None = None
) -> Future[tuple[int, int]]: ...
def list(
    uri: str,
    recursive: bool = False,
    pattern: str | None = None,
    *,
    options: OptionsLike | None = None,
) -> builtins.list[str]: ...
def list_async(
    uri: str,
    recursive: bool = False,
    pattern: str | None = None,
    *,
    options: OptionsLike | None = None,
) -> Future[builtins.list[str]]: ...
def list_uris(
    uri: str,
    recursive: bool = False,
    pattern: str | None = None,
    *,
    options: OptionsLike | None = None,
) -> builtins.list[str]: ...
def list_uris_async(
    uri: str,
    recursive: bool = False,
    pattern: str | None = None,
    *,
    options: OptionsLike | None = None,
) -> Future[builtins.list[str]]: ...
def delete(uri: str, *, options: OptionsLike | None = None) -> int: ...
def delete_async(uri: str, *, options: OptionsLike | None = None) -> Future[int]: ...
def generate(
    prefix: str,
    num: int = 1,
    *,
    size: int = 20971520,
    object_type: str = "RAW",
    template: str = "object_{}_of_{}.dat",
    dedup: int = 1,
    compress: float = 1.0,
    max_in_flight: int = 32,
    create_bucket: bool = False,
    seed: int | None = None,
    if_none_match: bool = False,
    metadata: Mapping[str, str] | None = None,
    content_type: str | None = None,
    storage_class: str | None = None,
    tier: str | None = None,
    options: OptionsLike | None = None,
) -> GenerateReport: ...
def generate_async(
    prefix: str,
    num: int = 1,
    *,
    size: int = 20971520,
    object_type: str = "RAW",
    template: str = "object_{}_of_{}.dat",
    dedup: int = 1,
    compress: float = 1.0,
    max_in_flight: int = 32,
    create_bucket: bool = False,
    seed: int | None = None,
    if_none_match: bool = False,
    metadata: Mapping[str, str] | None = None,
    content_type: str | None = None,
    storage_class: str | None = None,
    tier: str | None = None,
    options: OptionsLike | None = None,
) -> Future[GenerateReport]: ...
def delete_many(
    uris: Iterable[str], max_in_flight: int, options: OptionsLike | None
) -> tuple[int, builtins.list[StorageError]]: ...
def delete_many_async(
    uris: Iterable[str], max_in_flight: int, options: OptionsLike | None
) -> Future[tuple[int, builtins.list[StorageError]]]: ...
def create_bucket(uri: str, *, options: OptionsLike | None = None) -> None: ...
def create_bucket_async(uri: str, *, options: OptionsLike | None = None) -> Future[None]: ...
def delete_bucket(uri: str, *, options: OptionsLike | None = None) -> None: ...
def delete_bucket_async(uri: str, *, options: OptionsLike | None = None) -> Future[None]: ...
def init_logging(level: str) -> None: ...
def settings() -> builtins.list[_Setting]: ...
def run_cli(argv: Iterable[str]) -> int: ...

"""Moves data between storage and the memory of AI programs.

`s3://`, `az://`, `file://` and `direct://` behind one set of verbs, with zero-copy buffers and
verified checkpoints. Every verb has an `_async` twin for asyncio.

Example:
    >>> import s3dlio as s3
    >>> s3.create_bucket("memory://doc-package/")
    >>> s3.put("memory://doc-package/hello", b"hello").size
    5
    >>> s3.get("memory://doc-package/hello").tobytes()
    b'hello'
"""

from __future__ import annotations

from s3dlio import _s3dlio
from s3dlio._put_many import put_many, put_many_async
from s3dlio._s3dlio import (
    Buffer,
    CopyResult,
    Entry,
    GenerateReport,
    PutResult,
    ShardReport,
    SyncReport,
    TransferProgress,
    TransferReport,
    __version__,
    copy,
    create_bucket,
    delete,
    delete_bucket,
    download,
    exists,
    generate,
    get,
    get_many,
    get_many_stats,
    get_range,
    init_logging,
    list,
    list_uris,
    presign,
    put,
    put_vectored,
    read_into,
    read_into_many,
    set_tier,
    settings,
    stat,
    stat_many,
    sync,
    upload,
)
from s3dlio._streams import (
    delete_many,
    delete_many_async,
    iter_many,
    iter_many_async,
    scan,
    scan_async,
)
from s3dlio._twins import read_into_async, read_into_many_async, twin, watched_twin
from s3dlio.checkpoint import CheckpointStore
from s3dlio.exceptions import (
    AccessDeniedError,
    AlreadyExistsError,
    CheckpointConflictError,
    CheckpointCorruptError,
    CheckpointError,
    CheckpointIncompleteError,
    ConnectionFailedError,
    IntegrityError,
    InvalidInputError,
    LocalIOError,
    ManifestVersionError,
    NotEmptyError,
    NotFoundError,
    PreconditionError,
    ServerError,
    ShortReadError,
    StorageError,
    StorageTimeoutError,
    ThrottledError,
    UnsafePathError,
    UnsupportedError,
)
from s3dlio.file import open
from s3dlio.options import Options

copy_async = twin(copy, _s3dlio.copy_async)
create_bucket_async = twin(create_bucket, _s3dlio.create_bucket_async)
delete_async = twin(delete, _s3dlio.delete_async)
delete_bucket_async = twin(delete_bucket, _s3dlio.delete_bucket_async)
download_async = watched_twin(download, _s3dlio.download_async)
exists_async = twin(exists, _s3dlio.exists_async)
generate_async = twin(generate, _s3dlio.generate_async)
get_async = twin(get, _s3dlio.get_async)
get_many_async = twin(get_many, _s3dlio.get_many_async)
get_many_stats_async = twin(get_many_stats, _s3dlio.get_many_stats_async)
get_range_async = twin(get_range, _s3dlio.get_range_async)
list_async = twin(list, _s3dlio.list_async)
list_uris_async = twin(list_uris, _s3dlio.list_uris_async)
presign_async = twin(presign, _s3dlio.presign_async)
put_async = twin(put, _s3dlio.put_async)
put_vectored_async = twin(put_vectored, _s3dlio.put_vectored_async)
set_tier_async = twin(set_tier, _s3dlio.set_tier_async)
stat_async = twin(stat, _s3dlio.stat_async)
stat_many_async = twin(stat_many, _s3dlio.stat_many_async)
sync_async = watched_twin(sync, _s3dlio.sync_async)
upload_async = watched_twin(upload, _s3dlio.upload_async)

__all__ = [
    "AccessDeniedError",
    "AlreadyExistsError",
    "Buffer",
    "CheckpointConflictError",
    "CheckpointCorruptError",
    "CheckpointError",
    "CheckpointIncompleteError",
    "CheckpointStore",
    "ConnectionFailedError",
    "CopyResult",
    "Entry",
    "GenerateReport",
    "IntegrityError",
    "InvalidInputError",
    "LocalIOError",
    "ManifestVersionError",
    "NotEmptyError",
    "NotFoundError",
    "Options",
    "PreconditionError",
    "PutResult",
    "ServerError",
    "ShardReport",
    "ShortReadError",
    "StorageError",
    "StorageTimeoutError",
    "SyncReport",
    "ThrottledError",
    "TransferProgress",
    "TransferReport",
    "UnsafePathError",
    "UnsupportedError",
    "__version__",
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
    "iter_many",
    "iter_many_async",
    "list",
    "list_async",
    "list_uris",
    "list_uris_async",
    "open",
    "presign",
    "presign_async",
    "put",
    "put_async",
    "put_many",
    "put_many_async",
    "put_vectored",
    "put_vectored_async",
    "read_into",
    "read_into_async",
    "read_into_many",
    "read_into_many_async",
    "scan",
    "scan_async",
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

"""Checkpoint shards: saved whole or not at all, verified on every load."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from s3dlio import _s3dlio
from s3dlio.options import Options

if TYPE_CHECKING:
    from s3dlio._s3dlio import Buffer, ShardReport
    from s3dlio._types import Memory, OptionsLike

__all__ = ["CheckpointStore"]


class CheckpointStore:
    """Shards below one URI, on any scheme.

    A save writes the data under a name that was never used before, then replaces one small record
    that names it, so a reader sees the shard before or after a save. A load compares CRC-32C and
    size of the stored and of the raw bytes with that record. A compressed shard is an ordinary
    `.zst` object.

    A store can be pickled, and used in forked children; it holds no connection.

    Args:
        uri: Where the shards are, with or without a final `/`.
        compression_level: zstd level from 1 to 21, 3 unless told; None stores the bytes as they
            are. Loads take whatever was saved.
        options: Settings of this store, as a dict or `Options`.

    Raises:
        InvalidInputError: Another level, a bad URI or a bad option.

    Example:
        >>> import s3dlio
        >>> s3dlio.create_bucket("memory://doc-checkpoint/")
        >>> store = s3dlio.CheckpointStore("memory://doc-checkpoint/run", compression_level=10)
        >>> store.put_shard("model_weights", 0, bytes(4096)).raw_size
        4096
        >>> store.get_shard("model_weights", 0) == bytes(4096)
        True
    """

    __slots__ = ("__weakref__", "_compression_level", "_options", "_shards", "_uri")

    def __init__(
        self,
        uri: str,
        compression_level: int | None = 3,
        *,
        options: OptionsLike | None = None,
    ) -> None:
        self._shards = _s3dlio.Shards(uri, compression_level, options)
        self._uri = uri
        self._compression_level = compression_level
        # A dict of the caller may change; its names are right, or the line above had raised.
        if isinstance(options, Mapping):
            options = Options(**options)  # type: ignore[arg-type]
        self._options = options

    @property
    def uri(self) -> str:
        """Where the shards are."""
        return self._uri

    @property
    def compression_level(self) -> int | None:
        """The zstd level of saves; None where they are raw."""
        return self._compression_level

    def put_shard(self, name: str, rank: int, data: Memory) -> ShardReport:
        """Saves a shard, atomically, in place of the one saved before.

        Args:
            name: What the shard holds: parts of letters, digits, `.`, `_` and `-`, joined by `/`.
            rank: Whose it is; 0 or more.
            data: Any C-contiguous buffer (`bytes`, `memoryview`, numpy array) or CPU tensor. It is
                not copied.

        Returns:
            A `ShardReport`: sizes in bytes, ratio, CRC-32C of the raw and the stored bytes.

        Raises:
            InvalidInputError: A bad name or rank, or `data` is not contiguous.
            NotFoundError: There is no such bucket.
            StorageError: What the storage says otherwise. The shard is then what it was before,
                unless only the answer to the commit was lost.
        """
        return self._shards.put_shard(name, rank, data)

    async def put_shard_async(self, name: str, rank: int, data: Memory) -> ShardReport:
        """As `put_shard`, for asyncio; cancelling the task stops the save.

        Args:
            name: As for `put_shard`.
            rank: As for `put_shard`.
            data: As for `put_shard`.

        Returns:
            As `put_shard`.

        Raises:
            StorageError: As `put_shard`.
        """
        return await self._shards.put_shard_async(name, rank, data)

    def get_shard(self, name: str, rank: int) -> Buffer:
        """Loads a shard, verified.

        Args:
            name: As given to `put_shard`.
            rank: As given to `put_shard`.

        Returns:
            A `Buffer` of the raw bytes; `numpy.frombuffer(buffer, dtype)` shares its memory.

        Raises:
            NotFoundError: The shard was never saved.
            CheckpointCorruptError: What is stored is not what was saved.
            ManifestVersionError: It was saved in a later format.
        """
        return self._shards.get_shard(name, rank)

    async def get_shard_async(self, name: str, rank: int) -> Buffer:
        """As `get_shard`, for asyncio; cancelling the task stops the load.

        Args:
            name: As given to `put_shard`.
            rank: As given to `put_shard`.

        Returns:
            As `get_shard`.

        Raises:
            StorageError: As `get_shard`.
        """
        return await self._shards.get_shard_async(name, rank)

    def __reduce__(self) -> tuple[object, ...]:
        return _restore, (self._uri, self._compression_level, self._options)

    def __repr__(self) -> str:
        return f"CheckpointStore({self._uri!r}, compression_level={self._compression_level!r})"


def _restore(
    uri: str, compression_level: int | None, options: OptionsLike | None
) -> CheckpointStore:
    """For pickle, which has no words for keyword-only arguments."""
    return CheckpointStore(uri, compression_level, options=options)

"""This library, and the variants of it that are compared with each other."""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING, ClassVar

import s3dlio
from peers import Client

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from peers import Place


class Ours(Client):
    """As it comes."""

    settings: ClassVar[Mapping[str, object]] = {}

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.options = {**self.settings, "anonymous": True} if place.anonymous else self.settings

    def put(self, keys: Sequence[str], bodies: Sequence[bytes]) -> None:
        objects = zip((self.place.root + key for key in keys), bodies, strict=True)
        s3dlio.put_many(objects, self.place.in_flight, options=self.options)

    def get(self, keys: Sequence[str]) -> Sequence[object]:
        if len(keys) == 1:
            return [s3dlio.get(self.place.root + keys[0], options=self.options)]
        uris = [self.place.root + key for key in keys]
        got = s3dlio.get_many(uris, self.place.in_flight, options=self.options)
        return [buffer for _, buffer in got]

    def stat(self, keys: Sequence[str]) -> Sequence[int]:
        uris = [self.place.root + key for key in keys]
        got = s3dlio.stat_many(uris, self.place.in_flight, options=self.options)
        return [meta["size"] for _, meta in got]

    def delete(self, keys: Sequence[str]) -> None:
        uris = [self.place.root + key for key in keys]
        s3dlio.delete_many(uris, max_in_flight=self.place.in_flight, options=self.options)

    def count(self, prefix: str) -> int:
        return len(s3dlio.list(self.place.root + prefix, recursive=True, options=self.options))

    def download(self, prefix: str, directory: str) -> None:
        source = self.place.root + prefix
        s3dlio.download(source, directory, max_in_flight=self.place.in_flight, options=self.options)


class Unverified(Ours):
    """Reads are not compared with the stored checksum."""

    settings: ClassVar[Mapping[str, object]] = {"verify": "off"}


class AzureCrc64(Ours):
    """Bodies for Azure carry its CRC-64 and no MD5."""

    settings: ClassVar[Mapping[str, object]] = {"azure_checksum": "crc64"}


class NotDurable(Ours):
    """Files are not flushed to the disk, as those of most programs are not."""

    settings: ClassVar[Mapping[str, object]] = {"durable": False}


class Aligned(Ours):
    """Bodies in memory that starts at a page, as buffers of this library do."""

    def prepare(self, verb: str, keys: Sequence[str], bodies: Sequence[bytes]) -> None:
        del keys
        self.bodies = []
        for body in bodies if verb == "put" else ():
            memory = mmap.mmap(-1, len(body))
            memory.madvise(mmap.MADV_HUGEPAGE)
            memory[:] = body
            self.bodies.append(memory)

    def put(self, keys: Sequence[str], bodies: Sequence[bytes]) -> None:
        del bodies
        objects = zip((self.place.root + key for key in keys), self.bodies, strict=True)
        s3dlio.put_many(objects, self.place.in_flight, options=self.options)


class Streamed(Ours):
    """Listings page by page, none of them kept."""

    def count(self, prefix: str) -> int:
        uri = self.place.root + prefix
        return sum(1 for _ in s3dlio.scan(uri, recursive=True, options=self.options))


class RawCheckpoint(Ours):
    """Shards of a checkpoint, stored as they are."""

    level: int | None = None

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.store = s3dlio.CheckpointStore(
            f"{place.root}shards-{self.level}/", compression_level=self.level
        )

    def put(self, keys: Sequence[str], bodies: Sequence[bytes]) -> None:
        for key, body in zip(keys, bodies, strict=True):
            self.store.put_shard(key, 0, body)

    def get(self, keys: Sequence[str]) -> Sequence[object]:
        return [self.store.get_shard(key, 0) for key in keys]


class CompressedCheckpoint(RawCheckpoint):
    """Shards, compressed on all cores."""

    level = 3

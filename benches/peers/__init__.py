"""The clients that are compared, each doing the same things by its own best means.

A client is imported only in the process that measures it, and in the environment that holds it:
nothing here needs more than the standard library.
"""

from __future__ import annotations

import importlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Place:
    """Where objects are, and how they are asked for."""

    root: str
    """URI to which a key is appended; ends with a slash."""
    in_flight: int
    anonymous: bool

    @property
    def bucket(self) -> str:
        """The bucket or container, the last part of the root."""
        return self.root.split("/")[-2]


class UnsupportedError(Exception):
    """The client has no such verb."""


class Client:
    """Whole objects by key, many at once."""

    warms_up: bool = True
    """Whether a first call leaves something for the next one, as connections."""

    def __init__(self, place: Place) -> None:
        self.place = place

    def prepare(self, verb: str, keys: Sequence[str], bodies: Sequence[bytes]) -> None:
        """Do what belongs to no figure."""

    def put(self, keys: Sequence[str], bodies: Sequence[bytes]) -> None:
        """Store each body under its key."""
        raise UnsupportedError

    def get(self, keys: Sequence[str]) -> Sequence[object]:
        """The objects, in the order of the keys, each in one piece of memory."""
        raise UnsupportedError

    def stat(self, keys: Sequence[str]) -> Sequence[int]:
        """The sizes, in the order of the keys."""
        raise UnsupportedError

    def delete(self, keys: Sequence[str]) -> None:
        """Remove each object."""
        raise UnsupportedError

    def count(self, prefix: str) -> int:
        """How many objects there are below a prefix; each key becomes an object of Python."""
        raise UnsupportedError

    def download(self, prefix: str, directory: str) -> None:
        """Every object below a prefix into a file."""
        raise UnsupportedError

    def figures(self) -> tuple[float, float] | None:
        """Wall and CPU seconds of the last call, of a program that measures itself."""
        return None

    def threads(self, function: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """Call a blocking client from as many threads as requests may be under way."""
        with ThreadPoolExecutor(self.place.in_flight) as pool:
            return list(pool.map(function, items))


@dataclass(frozen=True)
class Peer:
    """Where a client's class is, and which environment it lives in."""

    module: str
    made_by: str
    environment: str | None = None
    """The name of a list in requirements/; none for the environment of this library."""
    imports: str | None = None
    """The module that its users import."""


PEERS = {
    "s3dlio": Peer("ours", "Ours", imports="s3dlio"),
    "s3dlio, unverified": Peer("ours", "Unverified"),
    "s3dlio, crc64": Peer("ours", "AzureCrc64"),
    "s3dlio, streamed": Peer("ours", "Streamed"),
    "s3dlio, aligned": Peer("ours", "Aligned"),
    "s3dlio, no fsync": Peer("ours", "NotDurable"),
    "checkpoint raw": Peer("ours", "RawCheckpoint"),
    "checkpoint zstd 3": Peer("ours", "CompressedCheckpoint"),
    "zstd on one core": Peer("programs", "Zstd"),
    "floor": Peer("floor", "Floor"),
    "fio": Peer("programs", "Fio"),
    "fio direct": Peer("programs", "FioDirect"),
    "s5cmd": Peer("programs", "S5cmd"),
    "obstore": Peer("stores", "Obstore", "obstore", "obstore"),
    "opendal": Peer("stores", "Opendal", "opendal", "opendal"),
    "tensorstore": Peer("stores", "Tensorstore", "tensorstore", "tensorstore"),
    "boto3": Peer("sdks", "Boto3", "boto3", "boto3"),
    "boto3 with CRT": Peer("sdks", "Boto3Crt", "boto3"),
    "azure-storage-blob": Peer("sdks", "AzureSdk", "azure-storage-blob", "azure.storage.blob"),
    "s3fs": Peer("stores", "S3fs", "s3fs", "s3fs"),
    "s3torchconnectorclient": Peer(
        "stores", "Mountpoint", "s3torchconnectorclient", "s3torchconnectorclient"
    ),
    "s3dlio of PyPI": Peer("stores", "Predecessor", "s3dlio-pypi", "s3dlio"),
}


def make(name: str, place: Place) -> Client:
    """The client of that name."""
    peer = PEERS[name]
    made: Client = getattr(importlib.import_module(f"peers.{peer.module}"), peer.made_by)(place)
    return made

"""The clients that are compared, each doing the same few things by its own best means."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BUCKET = "bench"
THREADS = 16
"""Requests that each client has under way; what boto3 and obstore users commonly choose."""


class Client(Protocol):
    """What a client must do: whole objects by key, many at once."""

    def put(self, keys: Sequence[str], body: bytes) -> None:
        """Store ``body`` under every key."""

    def get(self, keys: Sequence[str]) -> Sequence[object]:
        """The objects, in the order of the keys, each in one piece of memory."""


class S3dlio:
    """This library."""

    def __init__(self) -> None:
        import s3dlio  # noqa: PLC0415 - only the client that is measured is imported

        self.s3 = s3dlio

    def put(self, keys: Sequence[str], body: bytes) -> None:
        pairs = [(f"s3://{BUCKET}/{key}", body) for key in keys]
        self.s3.put_many(pairs, max_in_flight=THREADS)

    def get(self, keys: Sequence[str]) -> Sequence[object]:
        uris = [f"s3://{BUCKET}/{key}" for key in keys]
        return [buffer for _, buffer in self.s3.get_many(uris, max_in_flight=THREADS)]


class Obstore:
    """The Python face of the object_store crate."""

    def __init__(self) -> None:
        import obstore  # noqa: PLC0415
        from obstore.store import S3Store  # noqa: PLC0415

        self.obstore = obstore
        self.store = S3Store(
            BUCKET,
            endpoint=os.environ["AWS_ENDPOINT_URL"],
            virtual_hosted_style_request=False,
            client_options={"allow_http": True},
        )

    def put(self, keys: Sequence[str], body: bytes) -> None:
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(lambda key: self.obstore.put(self.store, key, body), keys))

    def get(self, keys: Sequence[str]) -> Sequence[object]:
        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(lambda key: self.obstore.get(self.store, key).bytes(), keys))


class Boto3:
    """The SDK itself."""

    def __init__(self) -> None:
        import boto3  # noqa: PLC0415
        from botocore.config import Config  # noqa: PLC0415

        self.client = boto3.client("s3", config=Config(max_pool_connections=THREADS))

    def put(self, keys: Sequence[str], body: bytes) -> None:
        def one(key: str) -> None:
            self.client.put_object(Bucket=BUCKET, Key=key, Body=body)

        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(one, keys))

    def get(self, keys: Sequence[str]) -> Sequence[object]:
        def one(key: str) -> bytes:
            body: bytes = self.client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
            return body

        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(one, keys))


CLIENTS: dict[str, Callable[[], Client]] = {"s3dlio": S3dlio, "obstore": Obstore, "boto3": Boto3}

"""Libraries that give several services one face."""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from peers import Client

if TYPE_CHECKING:
    from collections.abc import Sequence

    from peers import Place


def service() -> str:
    return os.environ["AWS_ENDPOINT_URL"]


class Obstore(Client):
    """The Python face of the object_store crate."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        import obstore  # noqa: PLC0415
        from obstore.store import AzureStore, LocalStore, S3Store  # noqa: PLC0415

        self.obstore = obstore
        match urlsplit(place.root).scheme:
            case "file":
                self.store = LocalStore(urlsplit(place.root).path)
            case "az":
                self.store = AzureStore(
                    place.bucket,
                    account_name=os.environ["AZURE_STORAGE_ACCOUNT"],
                    account_key=os.environ["AZURE_STORAGE_KEY"],
                    endpoint=os.environ["AZURE_STORAGE_ENDPOINT"],
                    client_options={"allow_http": True},
                )
            case _:
                self.store = S3Store(
                    place.bucket,
                    endpoint=service(),
                    virtual_hosted_style_request=False,
                    skip_signature=place.anonymous,
                    client_options={"allow_http": True},
                )

    def put(self, keys: Sequence[str], bodies: Sequence[bytes]) -> None:
        self.threads(
            lambda each: self.obstore.put(self.store, *each), zip(keys, bodies, strict=True)
        )

    def get(self, keys: Sequence[str]) -> Sequence[object]:
        return self.threads(lambda key: self.obstore.get(self.store, key).bytes(), keys)

    def stat(self, keys: Sequence[str]) -> Sequence[int]:
        return self.threads(lambda key: int(self.obstore.head(self.store, key)["size"]), keys)

    def delete(self, keys: Sequence[str]) -> None:
        self.obstore.delete(self.store, list(keys))

    def count(self, prefix: str) -> int:
        return sum(len(page) for page in self.obstore.list(self.store, prefix, chunk_size=1000))


class Opendal(Client):
    """Apache OpenDAL."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        import opendal  # noqa: PLC0415

        match urlsplit(place.root).scheme:
            case "file":
                self.operator = opendal.Operator("fs", root=urlsplit(place.root).path)
            case "az":
                self.operator = opendal.Operator(
                    "azblob",
                    container=place.bucket,
                    endpoint=os.environ["AZURE_STORAGE_ENDPOINT"],
                    account_name=os.environ["AZURE_STORAGE_ACCOUNT"],
                    account_key=os.environ["AZURE_STORAGE_KEY"],
                )
            case _:
                more = {"skip_signature": "true"} if place.anonymous else {}
                self.operator = opendal.Operator(
                    "s3", bucket=place.bucket, endpoint=service(), region="us-east-1", **more
                )

    def put(self, keys: Sequence[str], bodies: Sequence[bytes]) -> None:
        self.threads(lambda each: self.operator.write(*each), zip(keys, bodies, strict=True))

    def get(self, keys: Sequence[str]) -> Sequence[object]:
        return self.threads(self.operator.read, keys)

    def stat(self, keys: Sequence[str]) -> Sequence[int]:
        return self.threads(lambda key: int(self.operator.stat(key).content_length), keys)

    def delete(self, keys: Sequence[str]) -> None:
        self.threads(self.operator.delete, keys)

    def count(self, prefix: str) -> int:
        return len([entry.path for entry in self.operator.list(prefix, recursive=True)])


class Tensorstore(Client):
    """The key-value store below TensorStore's arrays."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        import tensorstore  # noqa: PLC0415

        limit = {"limit": place.in_flight}
        if place.root.startswith("file"):
            spec: dict[str, object] = {"driver": "file", "path": urlsplit(place.root).path}
            context = {"file_io_concurrency": limit}
        else:
            spec = {
                "driver": "s3",
                "bucket": place.bucket,
                "endpoint": service(),
                "aws_region": "us-east-1",
                "aws_credentials": {"type": "anonymous" if place.anonymous else "environment"},
            }
            context = {"s3_request_concurrency": limit}
        self.range = tensorstore.KvStore.KeyRange
        opened = tensorstore.KvStore.open(spec, context=tensorstore.Context(context))
        self.store = opened.result()

    def put(self, keys: Sequence[str], bodies: Sequence[bytes]) -> None:
        writes = [self.store.write(key, body) for key, body in zip(keys, bodies, strict=True)]
        for write in writes:
            write.result()

    def get(self, keys: Sequence[str]) -> Sequence[object]:
        reads = [self.store.read(key) for key in keys]
        return [read.result().value for read in reads]

    def delete(self, keys: Sequence[str]) -> None:
        for done in [self.store.write(key, None) for key in keys]:
            done.result()

    def count(self, prefix: str) -> int:
        # Its keys are ordered by bytes: all that begin with the prefix end before the next one.
        end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        return len(self.store.list(self.range(prefix, end)).result())


class S3fs(Client):
    """The file system of fsspec, which dask and pandas read by."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        from s3fs import S3FileSystem  # noqa: PLC0415

        self.files: Any = S3FileSystem(
            endpoint_url=service(), anon=place.anonymous, use_listings_cache=False
        )

    def put(self, keys: Sequence[str], bodies: Sequence[bytes]) -> None:
        self.files.pipe(
            dict(zip(self.paths(keys), bodies, strict=True)), batch_size=self.place.in_flight
        )

    def get(self, keys: Sequence[str]) -> Sequence[object]:
        paths = self.paths(keys)
        got = self.files.cat(paths, batch_size=self.place.in_flight)
        return [got[path] for path in paths] if isinstance(got, dict) else [got]

    def stat(self, keys: Sequence[str]) -> Sequence[int]:
        return [int(size) for size in self.files.sizes(self.paths(keys))]

    def delete(self, keys: Sequence[str]) -> None:
        self.files.rm(self.paths(keys))

    def count(self, prefix: str) -> int:
        return len(self.files.find(f"{self.place.bucket}/{prefix}"))

    def paths(self, keys: Sequence[str]) -> list[str]:
        return [f"{self.place.bucket}/{key}" for key in keys]


class Mountpoint(Client):
    """What s3torchconnector reads and writes by, without PyTorch around it."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        from s3torchconnectorclient import _mountpoint_s3_client as native  # noqa: PLC0415

        self.client = native.MountpointS3Client(
            "us-east-1", endpoint=service(), force_path_style=True, unsigned=place.anonymous
        )

    def put(self, keys: Sequence[str], bodies: Sequence[bytes]) -> None:
        def one(each: tuple[str, bytes]) -> None:
            stream = self.client.put_object(self.place.bucket, each[0])
            stream.write(each[1])
            stream.close()

        self.threads(one, zip(keys, bodies, strict=True))

    def get(self, keys: Sequence[str]) -> Sequence[object]:
        return self.threads(
            lambda key: b"".join(self.client.get_object(self.place.bucket, key)), keys
        )

    def stat(self, keys: Sequence[str]) -> Sequence[int]:
        return self.threads(
            lambda key: int(self.client.head_object(self.place.bucket, key).size), keys
        )

    def delete(self, keys: Sequence[str]) -> None:
        self.threads(lambda key: self.client.delete_object(self.place.bucket, key), keys)

    def count(self, prefix: str) -> int:
        pages = self.client.list_objects(self.place.bucket, prefix)
        return sum(len(page.object_info) for page in pages)


class Predecessor(Client):
    """The library of the same name on PyPI."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        # By name: to a type checker it would be this library.
        self.module = importlib.import_module("s3dlio")

    def put(self, keys: Sequence[str], bodies: Sequence[bytes]) -> None:
        objects = [(self.place.root + key, body) for key, body in zip(keys, bodies, strict=True)]
        self.module.put_many(objects, max_in_flight=self.place.in_flight)

    def get(self, keys: Sequence[str]) -> Sequence[object]:
        uris = [self.place.root + key for key in keys]
        if len(uris) == 1:
            return [self.module.get(uris[0])]
        got = dict(self.module.get_many(uris, max_in_flight=self.place.in_flight))
        return [got[uri] for uri in uris]

    def stat(self, keys: Sequence[str]) -> Sequence[int]:
        return self.threads(lambda key: int(self.module.stat(self.place.root + key)["size"]), keys)

    def delete(self, keys: Sequence[str]) -> None:
        self.threads(lambda key: self.module.delete(self.place.root + key), keys)

    def count(self, prefix: str) -> int:
        return len(self.module.list(self.place.root + prefix, recursive=True))

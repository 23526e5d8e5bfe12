"""The SDKs of the services themselves."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

from peers import Client

if TYPE_CHECKING:
    from collections.abc import Sequence

    from peers import Place


class Boto3(Client):
    """The SDK for S3, one thread a request."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        import boto3  # noqa: PLC0415
        from botocore import UNSIGNED  # noqa: PLC0415
        from botocore.config import Config  # noqa: PLC0415

        signature = {"signature_version": UNSIGNED} if place.anonymous else {}
        config = Config(max_pool_connections=place.in_flight, **signature)
        self.client = boto3.client("s3", config=config)

    def put(self, keys: Sequence[str], bodies: Sequence[bytes]) -> None:
        def one(each: tuple[str, bytes]) -> None:
            self.client.put_object(Bucket=self.place.bucket, Key=each[0], Body=each[1])

        self.threads(one, zip(keys, bodies, strict=True))

    def get(self, keys: Sequence[str]) -> Sequence[object]:
        def one(key: str) -> object:
            return self.client.get_object(Bucket=self.place.bucket, Key=key)["Body"].read()

        return self.threads(one, keys)

    def stat(self, keys: Sequence[str]) -> Sequence[int]:
        def one(key: str) -> int:
            return int(self.client.head_object(Bucket=self.place.bucket, Key=key)["ContentLength"])

        return self.threads(one, keys)

    def delete(self, keys: Sequence[str]) -> None:
        for start in range(0, len(keys), 1000):
            objects = [{"Key": key} for key in keys[start : start + 1000]]
            self.client.delete_objects(Bucket=self.place.bucket, Delete={"Objects": objects})

    def count(self, prefix: str) -> int:
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.place.bucket, Prefix=prefix
        )
        return len([entry["Key"] for page in pages for entry in page.get("Contents", ())])


class Boto3Crt(Client):
    """The SDK with s3transfer over the C runtime of AWS, which splits large objects itself."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        import boto3  # noqa: PLC0415
        from botocore.session import Session  # noqa: PLC0415
        from s3transfer import crt  # noqa: PLC0415

        session = Session()
        region, endpoint = "us-east-1", os.environ["AWS_ENDPOINT_URL"]
        settings = {"region_name": region, "endpoint_url": endpoint}
        client = crt.create_s3_crt_client(
            region=region,
            crt_credentials_provider=crt.BotocoreCRTCredentialsWrapper(
                boto3.Session().get_credentials()
            ).to_crt_credentials_provider(),
            use_ssl=endpoint.startswith("https"),
        )
        self.manager = crt.CRTTransferManager(
            client, crt.BotocoreCRTRequestSerializer(session, settings)
        )

    def put(self, keys: Sequence[str], bodies: Sequence[bytes]) -> None:
        for done in [
            self.manager.upload(io.BytesIO(body), self.place.bucket, key)
            for key, body in zip(keys, bodies, strict=True)
        ]:
            done.result()

    def get(self, keys: Sequence[str]) -> Sequence[object]:
        targets = [io.BytesIO() for _ in keys]
        for done in [
            self.manager.download(self.place.bucket, key, target)
            for key, target in zip(keys, targets, strict=True)
        ]:
            done.result()
        return [target.getbuffer() for target in targets]


class AzureSdk(Client):
    """The SDK for Azure Blob, one thread an object."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        from azure.storage.blob import ContainerClient  # noqa: PLC0415

        self.container = ContainerClient(
            os.environ["AZURE_STORAGE_ENDPOINT"],
            place.bucket,
            credential=os.environ["AZURE_STORAGE_KEY"],
        )

    def put(self, keys: Sequence[str], bodies: Sequence[bytes]) -> None:
        def one(each: tuple[str, bytes]) -> None:
            self.container.upload_blob(*each, overwrite=True)

        self.threads(one, zip(keys, bodies, strict=True))

    def get(self, keys: Sequence[str]) -> Sequence[object]:
        return self.threads(lambda key: self.container.download_blob(key).readall(), keys)

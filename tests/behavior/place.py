"""Where a case runs: a fresh, empty bucket (container, directory) on one back end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import s3dlio as s3

if TYPE_CHECKING:
    from collections.abc import Mapping

PART = 5 << 20
"""Small, so that objects of a few parts stay small; the least that S3 takes."""

TARGETS = ("memory", "file", "direct", "minio", "azurite")

_OPTIONS = {
    "AWS_ENDPOINT_URL": "endpoint_url",
    "AWS_ACCESS_KEY_ID": "access_key_id",
    "AWS_SECRET_ACCESS_KEY": "secret_access_key",
    "AWS_REGION": "region",
    "AZURE_STORAGE_ENDPOINT": "endpoint_url",
    "AZURE_STORAGE_ACCOUNT": "account_name",
    "AZURE_STORAGE_KEY": "account_key",
}


def options_of(environment: Mapping[str, str]) -> dict[str, object]:
    """The options that say what a server's environment variables say."""
    found = {_OPTIONS[name]: value for name, value in environment.items() if name in _OPTIONS}
    return {"part_size": PART, **found}


@dataclass(frozen=True)
class Place:
    """One back end, and a bucket on it that nobody else uses."""

    target: str
    base: str
    """Ends in ``/``."""
    options: dict[str, object] = field(default_factory=dict)

    @property
    def local(self) -> bool:
        """Whether keys are paths of this machine."""
        return self.target in {"file", "direct"}

    @property
    def service(self) -> bool:
        """Whether a server answers, with status codes and request ids."""
        return self.target in {"minio", "azurite"}

    @property
    def prefix(self) -> str:
        """What stands before a name in the keys that a listing gives."""
        return self.base.split(":///", 1)[1] if self.local else ""

    def uri(self, name: str) -> str:
        """The URI of ``name`` in this bucket."""
        return self.base + name

    def put(self, name: str, data: bytes) -> s3.PutResult:
        """Store ``data`` under ``name``."""
        return s3.put(self.uri(name), data, options=self.options)

    def get(self, name: str) -> s3.Buffer:
        """All bytes of ``name``."""
        return s3.get(self.uri(name), options=self.options)

    def names(self, below: str = "", *, recursive: bool = True) -> list[str]:
        """Every key of the bucket, without what the base itself adds."""
        keys = s3.list(self.uri(below), recursive, options=self.options)
        return [key.removeprefix(self.prefix) for key in keys]

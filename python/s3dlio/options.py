"""Settings of single calls, instead of the environment's."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import wraps
from typing import TYPE_CHECKING, Literal, TypeVar

from s3dlio import _s3dlio

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

__all__ = ["Options"]

_SECRET = frozenset(row["name"] for row in _s3dlio.settings() if row["kind"] == "secret")


_T = TypeVar("_T")


def _with_hints(options: type[_T]) -> type[_T]:
    """Has the class say which words are like one that it does not know."""
    init = options.__init__
    known = {field.name for field in fields(options)}  # type: ignore[arg-type]

    @wraps(init)
    def checked(self: _T, *arguments: object, **words: object) -> None:
        for word in words.keys() - known:
            raise TypeError(_s3dlio._unknown_option(word))  # noqa: SLF001 - made for this
        init(self, *arguments, **words)

    options.__init__ = checked  # type: ignore[method-assign, assignment]
    return options


@_with_hints
@dataclass(frozen=True, kw_only=True, repr=False, slots=True)
class Options:
    """Settings for `options=`; a dict with the same words does as well.

    What is None comes from the environment, then `.env`, then the default. Calls with equal options
    share connections and memory. Values are checked when a verb uses them. Secrets do not show in
    `repr`; they do travel in a pickle.

    Attributes:
        endpoint_url: Base URL of the S3 service; it also serves `az://`.
        region: Region that requests are signed for.
        access_key_id: S3 access key.
        secret_access_key: S3 secret key.
        session_token: Token of temporary credentials.
        credentials: Called for S3 keys at first use and again before they end, on a thread of its
            own. It returns a mapping or an object with `access_key_id`, `secret_access_key` and,
            where there are such, `session_token` and `expiry` (a datetime with time zone, or
            seconds since the epoch; without one it is called again every 15 minutes). A longer wait
            than `stall_timeout` is given up.
        anonymous: Send S3 requests unsigned.
        profile: Profile of the AWS configuration files.
        addressing_style: Bucket in the path or in the host name; auto takes the path off AWS.
        ca_bundle: PEM file of certificate authorities to trust beside the system's.
        sign_payload: "always" hashes each body with SHA-256.
        azure_endpoint_url: Base URL of the Azure account's blob service.
        account_name: Azure storage account.
        account_key: Shared key of the account, base64.
        sas_token: Shared access signature, without its question mark.
        connection_string: Azure connection string.
        azure_checksum: Checksum that Azure verifies of each body; crc64 costs far less CPU.
        connect_timeout: Seconds to connect, per try.
        stall_timeout: Seconds without a byte before a transfer is dropped and tried again.
        max_attempts: Tries of one request, the first included.
        retry_base: Seconds of the first back-off.
        retry_max: Seconds of the longest back-off.
        retry_deadline: Seconds after which no further try is made.
        part_size: Bytes of a part of a large transfer, or text like "8MiB".
        concurrency: Requests under way at once.
        memory_limit: Bytes that one call holds of what it streams, or text like "1GiB".
        verify: Compare reads with the stored checksum: strong also asks for it.
        durable: fsync local files and their directories.
        direct: What `direct://` does on a file system without O_DIRECT: fall back, or fail.
        journal_dir: Where uploads of large files note how far they are, to go on after a crash.

    Example:
        >>> import s3dlio
        >>> minio = s3dlio.Options(endpoint_url="http://127.0.0.1:9000", secret_access_key="x")
        >>> minio
        Options(endpoint_url='http://127.0.0.1:9000', secret_access_key='***')
    """

    endpoint_url: str | None = None
    region: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = None
    session_token: str | None = None
    credentials: Callable[[], object] | None = None
    anonymous: bool | None = None
    profile: str | None = None
    addressing_style: Literal["auto", "path", "virtual"] | None = None
    ca_bundle: str | os.PathLike[str] | None = None
    sign_payload: Literal["auto", "always"] | None = None
    azure_endpoint_url: str | None = None
    account_name: str | None = None
    account_key: str | None = None
    sas_token: str | None = None
    connection_string: str | None = None
    azure_checksum: Literal["md5", "crc64"] | None = None
    connect_timeout: float | None = None
    stall_timeout: float | None = None
    max_attempts: int | None = None
    retry_base: float | None = None
    retry_max: float | None = None
    retry_deadline: float | None = None
    part_size: int | str | None = None
    concurrency: int | None = None
    memory_limit: int | str | None = None
    verify: Literal["strong", "auto", "off"] | None = None
    durable: bool | None = None
    direct: Literal["auto", "strict"] | None = None
    journal_dir: str | os.PathLike[str] | None = None

    def as_dict(self) -> dict[str, object]:
        """The settings that are given.

        Returns:
            A dict of name and value, without those that are None. Secrets are in the clear.
        """
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value is not None}

    def __repr__(self) -> str:
        given = (
            f"{name}='***'" if name in _SECRET else f"{name}={value!r}"
            for name, value in self.as_dict().items()
        )
        return f"Options({', '.join(given)})"

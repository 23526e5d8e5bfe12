"""What is measured: which verb, on which server, by which clients."""

from __future__ import annotations

from dataclasses import dataclass, field

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30

S3_PEERS = (
    "obstore",
    "boto3",
    "boto3 with CRT",
    "s3torchconnectorclient",
    "s3fs",
    "opendal",
    "tensorstore",
    "s3dlio of PyPI",
)
OURS = "s3dlio"
STREAMED = "s3dlio, streamed"
ALIGNED = "s3dlio, aligned"


@dataclass(frozen=True)
class Case:
    """So many objects of one size; `name` is unique, `group` is what ``--group`` chooses by."""

    group: str
    service: str
    verb: str
    count: int
    size: int
    clients: tuple[str, ...] = field(repr=False)
    in_flight: int = 16
    kind: str = "random"
    again: bool = False
    """Also measure a second call in the same process."""
    counted: bool = False
    """Also count requests, at a scripted server."""

    @property
    def name(self) -> str:
        if self.verb == "import":
            return "import"
        for unit, letters in ((GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
            if self.size >= unit:
                return f"{self.group}: {self.verb} {self.count:,} x {self.size // unit} {letters}"
        return f"{self.group}: {self.verb} {self.count:,} objects"

    @property
    def per_operation(self) -> bool:
        """Whether the figure that counts is per operation, not per GiB."""
        return self.size < 64 * KIB

    @property
    def scale(self) -> float:
        """From seconds to the figure that counts: ms per operation, or s/GiB."""
        if self.verb in {"import", "list"}:
            return 1.0
        return 1000 / self.count if self.per_operation else GIB / (self.count * self.size)

    @property
    def unit(self) -> str:
        if self.verb in {"import", "list"}:
            return "s"
        return "ms/op" if self.per_operation else "s/GiB"


def _s3() -> list[Case]:
    everyone = (OURS, "floor", *S3_PEERS)
    many, one = (64, 8 * MIB), (1, 512 * MIB)
    downloads = (OURS, "s3dlio, no fsync", "s5cmd")
    return [
        Case("s3", "minio", "put", *many, everyone, counted=True),
        Case("s3", "minio", "get", *many, everyone, again=True, counted=True),
        Case("s3", "minio", "put", *one, everyone, counted=True),
        Case("s3", "minio", "get", *one, everyone, again=True, counted=True),
        Case("s3", "minio", "download", *many, downloads),
    ]


def _static() -> list[Case]:
    # The C runtime's transfer manager always signs; the older library cannot ask unsigned.
    silent = ("boto3 with CRT", "s3dlio of PyPI")
    clients = (OURS, "floor", *(peer for peer in S3_PEERS if peer not in silent))
    secure = (OURS, "obstore", "boto3", "opendal", "tensorstore", "s3fs")
    return [
        Case("s3-static", "static", "get", 64, 8 * MIB, clients, again=True),
        Case("s3-static", "static", "get", 1, 512 * MIB, clients, again=True),
        Case("tls", "tls", "get", 64, 8 * MIB, secure, again=True),
        Case("connections", "static", "get", 1000, 64 * KIB, clients, in_flight=256),
    ]


def _small() -> list[Case]:
    verbs = ("put", "get", "stat", "delete")
    silent = ("boto3 with CRT",)
    clients = (OURS, *(peer for peer in S3_PEERS if peer not in silent))
    return [Case("small", "minio", verb, 1000, 4 * KIB, clients, counted=True) for verb in verbs]


def _files() -> list[Case]:
    stores = ("obstore", "opendal", "tensorstore")
    one = (1, 1024 * MIB)
    return [
        Case("file", "file", "put", *one, (OURS, "fio", *stores)),
        Case("file", "file", "get", *one, (OURS, "fio", *stores), again=True),
        Case("direct", "direct", "put", *one, (OURS, ALIGNED, "fio direct")),
        Case("direct", "direct", "get", *one, (OURS, "fio direct"), again=True),
    ]


def _azure() -> list[Case]:
    clients = (OURS, "obstore", "opendal", "azure-storage-blob")
    sums = (OURS, "s3dlio, crc64", "floor")
    return [
        Case("az", "azurite", "put", 32, 8 * MIB, clients),
        Case("az", "azurite", "get", 32, 8 * MIB, clients, again=True),
        Case("az-checksum", "scripted-azure", "put", 32, 8 * MIB, sums),
    ]


def _others() -> list[Case]:
    lists = tuple(peer for peer in S3_PEERS if peer != "boto3 with CRT")
    saves = (OURS, "checkpoint raw", "checkpoint zstd 3", "zstd on one core")
    weights = (1, 512 * MIB, saves)
    shards = [
        Case(group, service, verb, *weights, kind="float32", again=verb == "get")
        for group, service in (("checkpoint", "minio"), ("checkpoint-direct", "direct"))
        for verb in ("put", "get")
    ]
    return [
        Case("list", "scripted", "list", 100_000, 0, (OURS, STREAMED, *lists, "s5cmd")),
        *shards,
        Case("verify", "minio", "get", 64, 8 * MIB, (OURS, "s3dlio, unverified"), again=True),
        Case("import", "", "import", 1, 0, (OURS, *lists, "azure-storage-blob")),
    ]


CASES = (*_s3(), *_static(), *_small(), *_others(), *_files(), *_azure())

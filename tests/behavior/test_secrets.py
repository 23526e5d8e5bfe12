"""No credential is ever printed, however loud the log."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from behavior.place import options_of

if TYPE_CHECKING:
    from servers import Server

CHILD = """
import asyncio, json, sys
import s3dlio as s3
s3.init_logging("trace")
places, others = json.loads(sys.argv[1])
for uri, options in others:
    print(s3.Options(**options))
    try:
        s3.get(uri, options=options)
    except s3.StorageError as error:
        print(repr(error), vars(error))
for base, options in places:
    print(s3.Options(**options))
    s3.create_bucket(base, options=options)
    s3.put(base + "object", bytes(12 << 20), options=options)
    store = s3.CheckpointStore(base + "saved/", options=options)
    store.put_shard("weights", 0, b"bytes")
    s3.get(base + "object", options=options)
    s3.stat(base + "object", options=options)
    s3.list(base, recursive=True, options=options)
    s3.copy(base + "object", base + "copy", options=options)
    assert "ignature=" in (url := s3.presign(base + "object", options=options)) or "sig=" in url
    for uri in (base + "missing", base[:-1] + "-missing/object"):
        try:
            asyncio.run(s3.get_async(uri, options=options))
        except s3.NotFoundError as error:
            print(repr(error), vars(error))
    wrong = dict(options)
    secret = "secret_access_key" if base.startswith("s3") else "account_key"
    wrong[secret] = "d3Jvbmctc2VjcmV0LWtleQ=="
    try:
        s3.get(base + "object", options=wrong)
    except s3.AccessDeniedError as error:
        print(repr(error), vars(error))
    s3.delete(base, options=options)
    s3.delete_bucket(base, options=options)
"""


SESSION_TOKEN = "c2Vzc2lvbi10b2tlbi1vZi10aGUtdGVzdA"  # noqa: S105 - made up
SIGNATURE = "c2lnbmF0dXJlLW9mLXRoZS10ZXN0"


def other_credentials(minio: Server, azurite: Server) -> list[tuple[str, dict[str, object]]]:
    """The kinds of credentials that the places do not use, each with an object to ask for."""
    s3_options = options_of(minio.environment)
    account = options_of(azurite.environment)
    endpoint = account["endpoint_url"]
    connection = (
        f"DefaultEndpointsProtocol=http;AccountName={account['account_name']};"
        f"AccountKey={account['account_key']};BlobEndpoint={endpoint};"
    )
    sas = f"sv=2024-11-04&ss=b&srt=sco&sp=r&se=2099-01-01T00:00:00Z&sig={SIGNATURE}%3D"
    return [
        ("s3://secrets-test/missing", s3_options | {"session_token": SESSION_TOKEN}),
        ("az:///secrets-test/missing", {"connection_string": connection}),
        (
            "az:///secrets-test/missing",
            {
                "endpoint_url": endpoint,
                "account_name": account["account_name"],
                "sas_token": sas,
                "max_attempts": 1,
            },
        ),
    ]


def test_nothing_printed_at_trace_level_holds_a_credential(minio: Server, azurite: Server) -> None:
    places = [
        ("s3://secrets-test/", options_of(minio.environment)),
        ("az:///secrets-test/", options_of(azurite.environment)),
    ]

    child = subprocess.run(
        [sys.executable, "-c", CHILD, json.dumps([places, other_credentials(minio, azurite)])],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert child.returncode == 0, child.stderr[-2000:]
    printed = child.stdout + child.stderr
    assert len(child.stderr) > 10_000, "the log was not at trace level; the test proves nothing"
    secrets = [
        minio.environment["AWS_SECRET_ACCESS_KEY"],
        azurite.environment["AZURE_STORAGE_KEY"],
        "d3Jvbmctc2VjcmV0LWtleQ==",
        SESSION_TOKEN,
        SIGNATURE,
        "Signature=",
        "sig=",
        "SharedKey devstoreaccount1:",
    ]
    for secret in secrets:
        lines = [line for line in printed.splitlines() if secret in line]
        assert not lines, f"{len(lines)} lines hold {secret[:12]}..., the first: {lines[0][:500]}"

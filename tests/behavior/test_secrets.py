"""No credential is ever printed, however loud the log.

Children at trace level go through the verbs, the command and the faults. Of the suite itself
`tests/conftest.py` looks through what every test prints. The Rust tests keep no log, so that there
is nothing of theirs to look through.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from secrets import token_hex
from typing import TYPE_CHECKING

import pytest

import s3dlio as s3
import testserver
from behavior.place import PART, options_of
from cli.program import Done, call

if TYPE_CHECKING:
    from pathlib import Path

    from servers import Server

WRONG_KEY = "d3Jvbmctc2VjcmV0LWtleQ=="
SIGNED = ("Signature=", "sig=", "SharedKey devstoreaccount1:")
"""What stands before the signature of a request."""

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
    check_shows_none(
        printed,
        [
            minio.environment["AWS_SECRET_ACCESS_KEY"],
            azurite.environment["AZURE_STORAGE_KEY"],
            WRONG_KEY,
            SESSION_TOKEN,
            SIGNATURE,
            *SIGNED,
        ],
    )


def check_shows_none(printed: str, secrets: list[str]) -> None:
    """Nothing that was printed holds one of the secrets."""
    printed = printed.replace("sig=REDACTED", "")  # as the SDK shows it
    for secret in secrets:
        lines = [line for line in printed.splitlines() if secret in line]
        assert not lines, f"{len(lines)} lines hold {secret[:12]}..., the first: {lines[0][:500]}"


REDIRECT: dict[str, object] = {"do": "redirect", "location": "http://127.0.0.1:9"}
BROKEN: dict[str, object] = {"do": "fail", "status": 500, "code": "InternalError"}
CUT: dict[str, object] = {"do": "cut", "after": 1000, "reset": True}
LOST: dict[str, object] = {"do": "lose_answer", "reset": True}
FAULTS: dict[str, list[tuple[str, dict[str, object], int]]] = {
    "s3": [
        ("GetObject", BROKEN, 2),
        ("GetObject", {"do": "fail", "status": 403, "code": "SignatureDoesNotMatch"}, 1),
        ("GetObject", CUT, 2),
        ("GetObject", REDIRECT, 1),
        ("ListObjectsV2", {"do": "malformed_xml"}, 2),
        ("PutObject", LOST, 3),
        ("UploadPart", BROKEN, 6),
    ],
    "azure": [
        ("GetBlob", BROKEN, 2),
        ("GetBlob", {"do": "fail", "status": 403, "code": "AuthenticationFailed"}, 1),
        ("GetBlob", CUT, 2),
        ("GetBlob", REDIRECT, 1),
        ("ListBlobs", {"do": "malformed_xml"}, 2),
        ("PutBlob", LOST, 3),
        ("PutBlock", BROKEN, 6),
    ],
}
"""Of each service: an operation, what goes wrong with it, and how often, for two tries a verb.

A write that is lost on a kept connection is sent once more, and there are three parts.
"""

FAULTED_CHILD = """
import json, sys
import s3dlio as s3
s3.init_logging("trace")
base, options = json.loads(sys.argv[1])
print(s3.Options(**options))
get = lambda: s3.get(base + "object", options=options)
for work in (
    get, get, get, get,
    lambda: s3.list(base, options=options),
    lambda: s3.put(base + "object", bytes(100_000), options=options),
    lambda: s3.put(base + "large", bytes(12 << 20), options=options),
):
    try:
        work()
    except s3.StorageError as error:
        print(repr(error), vars(error))
    else:
        print("no error")
"""
SECRET_KEY = "c2VjcmV0LWtleS1vZi1mYXVsdGVkLXBhdGhz"  # noqa: S105 - made up


@pytest.mark.parametrize(("service", "base"), [("s3", "s3://bucket/"), ("azure", "az:///bucket/")])
def test_no_fault_brings_a_credential_out(service: str, base: str) -> None:
    with testserver.running(service) as server:
        options = server.options | {
            "secret_access_key": SECRET_KEY,
            "account_key": SECRET_KEY,
            "session_token": SESSION_TOKEN,
            "max_attempts": 2,
            "part_size": PART,
        }
        s3.create_bucket(base, options=options)
        s3.put(base + "object", bytes(100_000), options=options)
        for op, action, times in FAULTS[service]:
            server.fault(action, op=op, times=times)

        child = subprocess.run(
            [sys.executable, "-c", FAULTED_CHILD, json.dumps([base, options])],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    assert child.returncode == 0, child.stderr[-2000:]
    assert "no error" not in child.stdout, child.stdout
    assert child.stdout.count("Error(") == len(FAULTS[service])
    check_shows_none(child.stdout + child.stderr, [SECRET_KEY, SESSION_TOKEN, *SIGNED])


def test_the_command_shows_no_credential_however_loud(
    minio: Server, azurite: Server, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "small").write_bytes(b"small")
    (source / "large").write_bytes(bytes(12 << 20))
    name = f"secrets-{token_hex(8)}"
    for base in (f"s3://{name}/", f"az:///{name}/"):
        wrong = {"AWS_SECRET_ACCESS_KEY": WRONG_KEY, "AZURE_STORAGE_KEY": WRONG_KEY}
        done = [
            loud("put", "-c", "-n", "2", "-s", "6000000", f"{base}made/"),
            loud("upload", f"{source}/", f"{base}up/"),
            loud("download", f"{base}up/", f"{tmp_path}/down/"),
            loud("sync", f"{source}/", f"{base}up/"),
            loud("cp", f"{base}up/small", f"{base}up/copy"),
            loud("list", "-r", "-l", base),
            loud("stat", f"{base}up/small"),
            loud("get", f"{base}made/"),
            loud("presign", f"{base}up/small"),
            loud("presign", "--method", "PATCH", f"{base}up/small", code=2),
            loud("get", f"{base}missing", code=3),
            loud("upload", f"{source}/", f"{base[:-1]}-missing/", code=3),
            loud("get", f"{base}up/small", code=4, environment=wrong),
            loud("sync", f"{base}up/", f"{tmp_path}/other/", code=4, environment=wrong),
            loud("delete", base),
            loud("delete-bucket", base),
        ]
        # A signed URL is what `presign` is asked for, on stdout alone.
        printed = "".join(each.err for each in done)
        printed += "".join(each.out for each in done if "://127" not in each.out)
        assert printed.count("s3dlio::client::operation") >= 16, "the log was off"
        secrets = [
            minio.environment["AWS_SECRET_ACCESS_KEY"],
            azurite.environment["AZURE_STORAGE_KEY"],
            WRONG_KEY,
        ]
        check_shows_none(printed, [*secrets, *SIGNED])


def loud(*arguments: str, code: int = 0, environment: dict[str, str] | None = None) -> Done:
    """Run the command with all of its log, and expect the exit code."""
    return call("-vvv", *arguments, code=code, env={**os.environ, **(environment or {})})

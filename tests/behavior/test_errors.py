"""Each failure is the documented exception, with verb, URI, code and cause in its text."""

from __future__ import annotations

import errno
import pickle
import re
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import s3dlio as s3
from behavior.place import options_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from behavior.place import Place
    from servers import Server

FAST: dict[str, object] = {"max_attempts": 3, "retry_base": 0.01}


def assert_told(error: s3.StorageError, op: str, uri: str, code: str | None, cause: str) -> None:
    """One line tells verb, URI, code, attempts and cause, and the attributes say the same.

    The line is `op uri: code (status): N attempts in T s: cause (request id ...)`, without what
    there is not.
    """
    text = str(error)
    status = f" ({error.status})" if error.status else ""
    answered = f"{code}{status}: " if code else ""
    start = f"{op} {uri}: {answered}"
    assert text.startswith(start), text
    assert cause in text.removeprefix(start), text
    assert text.splitlines() == [text]
    assert (error.op, error.uri, error.code) == (op, uri, code)
    assert (error.status is None) == (error.request_id is None)
    if error.request_id:
        assert text.endswith(f" (request id {error.request_id})")
        assert error.attempts > 0
    if error.attempts > 1:
        assert re.match(rf"{error.attempts} attempts in [0-9.]+ s: ", text.removeprefix(start))
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (str(again), vars(again)) == (text, vars(error))


MISSING = {
    "memory": ("NoSuchKey", "does not exist"),
    "file": ("ENOENT", "No such file or directory"),
    "direct": ("ENOENT", "No such file or directory"),
    "minio": ("NoSuchKey", "The specified key does not exist."),
    "azurite": ("BlobNotFound", ""),  # the answer to a HEAD has no words
}


@pytest.mark.parametrize("verb", [s3.get, s3.stat])
def test_a_missing_object_is_not_found(place: Place, verb: Callable[..., object]) -> None:
    uri = place.uri("missing")

    with pytest.raises(s3.NotFoundError) as caught:
        verb(uri, options=place.options)

    error = caught.value
    assert_told(error, verb.__name__, uri, *MISSING[place.target])
    assert not error.retryable
    assert (error.status, error.attempts) == ((404, 1) if place.service else (None, 0))
    assert not s3.exists(uri, options=place.options)


NO_BUCKET = {
    "memory": ("NoSuchBucket", "does not exist"),
    "minio": ("NoSuchBucket", "does not exist"),
    "azurite": ("ContainerNotFound", "does not exist"),
}


def test_a_missing_bucket_is_not_found(place: Place) -> None:
    base = place.base.rstrip("/") + "-missing/"
    if place.local:
        with pytest.raises(s3.NotFoundError) as caught:
            s3.get(base + "x", options=place.options)
        assert_told(caught.value, "get", base + "x", *MISSING[place.target])
        assert s3.list(base, options=place.options) == []
        return
    for verb, arguments in ((s3.get, ()), (s3.put, (b"x",)), (s3.list, ())):
        with pytest.raises(s3.NotFoundError) as caught:
            verb(base + "x", *arguments, options=place.options)
        assert_told(caught.value, verb.__name__, base + "x", *NO_BUCKET[place.target])


def test_an_anonymous_client_is_denied(minio: Server) -> None:
    options = options_of(minio.environment)
    s3.create_bucket("s3://private/", options=options)
    s3.put("s3://private/object", b"x", options=options)
    anonymous = {"endpoint_url": minio.endpoint, "region": "us-east-1", "anonymous": True}

    for verb in (s3.get, s3.stat, s3.exists, s3.list, s3.delete):
        with pytest.raises(s3.AccessDeniedError) as caught:
            verb("s3://private/object", options=anonymous)
        uri = "s3://private/object"
        assert_told(caught.value, verb.__name__, uri, "AccessDenied", "Access Denied.")
        assert (caught.value.status, caught.value.errno) == (403, errno.EACCES)

    s3.delete("s3://private/", options=options)
    s3.delete_bucket("s3://private/", options=options)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [("secret_access_key", "SignatureDoesNotMatch"), ("access_key_id", "InvalidAccessKeyId")],
)
def test_wrong_keys_are_denied(minio: Server, wrong: str, code: str) -> None:
    options = {**options_of(minio.environment), wrong: "what-nobody-has"}

    with pytest.raises(s3.AccessDeniedError) as caught:
        s3.list("s3://some-bucket/", options=options)

    cause = "signature we calculated" if code == "SignatureDoesNotMatch" else "does not exist"
    assert_told(caught.value, "list", "s3://some-bucket/", code, cause)
    assert "what-nobody-has" not in str(caught.value)


def test_a_wrong_account_key_is_denied(azurite: Server) -> None:
    options = {
        **options_of(azurite.environment),
        "account_key": "d3Jvbmcga2V5IG9mIDMyIGJ5dGVzISEhISE=",
    }

    with pytest.raises(s3.AccessDeniedError) as caught:
        s3.get("az:///container/key", options=options)

    cause = "Server failed to authenticate the request."
    assert_told(caught.value, "get", "az:///container/key", "AuthorizationFailure", cause)
    assert caught.value.status == 403


DENIED = """
import os, pickle, sys
import s3dlio as s3

if os.getuid() == 0:  # who is denied nothing
    s3.exists(sys.argv[1])  # what a first call imports may lie where others may not read
    os.setgid(65534), os.setuid(65534)
errors = []
for verb, arguments in ((s3.get, ()), (s3.stat, ()), (s3.exists, ()), (s3.put, (b"x",))):
    try:
        verb(sys.argv[1], *arguments)
    except s3.AccessDeniedError as error:
        errors.append(error)
sys.stdout.buffer.write(pickle.dumps(errors))
"""


@pytest.mark.parametrize("scheme", ["file", "direct"])
def test_a_local_denial_is_denied(tmp_path: Path, scheme: str) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    (closed / "object").write_bytes(b"x")
    closed.chmod(0)
    uri = f"{scheme}://{closed}/object"

    child = subprocess.run(
        [sys.executable, "-c", DENIED, uri], stdout=subprocess.PIPE, timeout=60, check=True
    )
    closed.chmod(0o700)

    errors = pickle.loads(child.stdout)  # noqa: S301 - our own bytes
    for error, op in zip(errors, ("get", "stat", "exists", "put"), strict=True):
        assert_told(error, op, uri, "EACCES", "Permission denied")
        assert error.errno == errno.EACCES
    assert (closed / "object").read_bytes() == b"x"


@pytest.mark.parametrize("uri", ["s3://bucket/key", "az:///container/key"])
def test_a_refused_connection_is_named_after_its_retries(uri: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    options = {
        "endpoint_url": f"http://127.0.0.1:{port}",
        "access_key_id": "AKIAEXAMPLE",
        "secret_access_key": "hidden",
        "region": "us-east-1",
        "account_name": "account",
        "account_key": "a2V5",
        **FAST,
    }

    with pytest.raises(s3.ConnectionFailedError) as caught:
        s3.get(uri, options=options)

    assert_told(caught.value, "get", uri, None, f"no connection to 127.0.0.1:{port}: ")
    assert caught.value.attempts == 3
    assert caught.value.retryable
    assert "refused" in str(caught.value)


@pytest.mark.parametrize(
    ("op", "uri", "cause"),
    [
        ("parse", "", "not a URI"),
        ("parse", "bucket/key", "not a URI"),
        ("parse", "s4://b/k", 'unknown scheme "s4"'),
        ("parse", "file://relative", "takes an absolute path and no host"),
        ("parse", "s3:///key", "names a key but no bucket"),
        ("get", "memory://bucket/", "names no object"),
    ],
)
def test_a_bad_uri_is_refused(op: str, uri: str, cause: str) -> None:
    with pytest.raises(s3.InvalidInputError) as caught:
        s3.get(uri)

    assert_told(caught.value, op, uri, None, cause)


@pytest.mark.parametrize("level", [0, 22, 99, -1])
def test_a_bad_level_is_refused(level: int) -> None:
    with pytest.raises(s3.InvalidInputError) as caught:
        s3.CheckpointStore("memory://m/", compression_level=level)

    cause = f"compression_level={level}: expected 1 to 21"
    assert_told(caught.value, "checkpoint_store", "memory://m/", None, cause)


@pytest.mark.parametrize(
    ("key", "what"),
    [
        ("/lead", "a leading slash"),
        ("a//b", "an empty component"),
        ("a/../b", "a . or .. component"),
    ],
)
@pytest.mark.parametrize("place", ["minio"], indirect=True)
def test_keys_that_minio_changes_are_refused(place: Place, key: str, what: str) -> None:
    uri = place.uri(key)

    for verb, arguments in ((s3.put, (b"x",)), (s3.get, ()), (s3.stat, ())):
        with pytest.raises(s3.InvalidInputError) as caught:
            verb(uri, *arguments, options=place.options)
        cause = f"the key has {what}, which MinIO does not keep as it is"
        assert_told(caught.value, verb.__name__, uri, None, cause)

    assert place.names() == []


@pytest.mark.parametrize("name", ["UPPER", "a", "under_score", "x" * 64])
def test_a_bad_bucket_name_is_refused(minio: Server, azurite: Server, name: str) -> None:
    s3_options, az_options = options_of(minio.environment), options_of(azurite.environment)

    for verb in (s3.create_bucket, s3.list):
        with pytest.raises(s3.InvalidInputError) as caught:
            verb(f"s3://{name}/", options=s3_options)
        assert_told(caught.value, verb.__name__, f"s3://{name}/", "InvalidBucketName", "not valid")
        with pytest.raises(s3.InvalidInputError) as caught:
            verb(f"az:///{name}/", options=az_options)
        cause = f'"{name}" is no container name: 3 to 63 lower-case letters'
        assert_told(caught.value, verb.__name__, f"az:///{name}/", None, cause)


def test_an_unknown_option_names_the_nearest() -> None:
    with pytest.raises(s3.InvalidInputError, match="endpoint_url"):
        s3.get("s3://b/k", options={"endpont_url": "http://127.0.0.1"})

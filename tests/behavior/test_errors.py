"""Each failure is the documented exception, with verb, URI, code and cause in its text."""

from __future__ import annotations

import os
import pickle
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


@pytest.mark.parametrize("verb", [s3.get, s3.stat])
def test_a_missing_object_is_not_found(place: Place, verb: Callable[..., object]) -> None:
    uri = place.uri("missing")

    with pytest.raises(s3.NotFoundError) as caught:
        verb(uri, options=place.options)

    error = caught.value
    assert str(error).startswith(f"{error.op} {uri}: ")
    assert (error.uri, error.retryable) == (uri, False)
    if place.service:
        assert error.status == 404
        assert error.request_id
        assert error.code
        assert error.attempts == 1
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (str(again), again.op, again.status) == (str(error), error.op, error.status)
    assert not s3.exists(uri, options=place.options)


def test_a_missing_bucket_is_not_found(place: Place) -> None:
    base = place.base.rstrip("/") + "-missing/"
    with pytest.raises(s3.NotFoundError):
        s3.get(base + "x", options=place.options)
    if place.local:
        assert s3.list(base, options=place.options) == []
    else:
        with pytest.raises(s3.NotFoundError):
            s3.list(base, options=place.options)
        with pytest.raises(s3.NotFoundError):
            s3.put(base + "x", b"x", options=place.options)


def test_an_anonymous_client_is_denied(minio: Server) -> None:
    options = options_of(minio.environment)
    s3.create_bucket("s3://private/", options=options)
    s3.put("s3://private/object", b"x", options=options)
    anonymous = {"endpoint_url": minio.endpoint, "region": "us-east-1", "anonymous": True}

    for verb in (s3.get, s3.stat, s3.exists):
        with pytest.raises(s3.AccessDeniedError) as caught:
            verb("s3://private/object", options=anonymous)
        assert caught.value.status == 403

    s3.delete("s3://private/", options=options)
    s3.delete_bucket("s3://private/", options=options)


def test_a_wrong_secret_is_denied(minio: Server) -> None:
    options = {**options_of(minio.environment), "secret_access_key": "not-the-secret"}
    with pytest.raises(s3.AccessDeniedError) as caught:
        s3.list("s3://some-bucket/", options=options)
    assert "SignatureDoesNotMatch" in str(caught.value)
    assert "not-the-secret" not in str(caught.value)


def test_a_wrong_account_key_is_denied(azurite: Server) -> None:
    options = {
        **options_of(azurite.environment),
        "account_key": "d3Jvbmcga2V5IG9mIDMyIGJ5dGVzISEhISE=",
    }
    with pytest.raises(s3.AccessDeniedError) as caught:
        s3.get("az:///container/key", options=options)
    assert caught.value.status == 403


DENIED = """
import os, sys
import s3dlio as s3
os.setgid(65534), os.setuid(65534)
for verb in (s3.get, s3.stat, s3.exists):
    try:
        verb(sys.argv[1] + "/object")
    except s3.AccessDeniedError as error:
        assert error.errno == 13, error.errno
    else:
        sys.exit(f"{verb.__name__} was not denied")
try:
    s3.put(sys.argv[1] + "/new", b"x")
except s3.AccessDeniedError:
    pass
else:
    sys.exit("put was not denied")
"""


@pytest.mark.parametrize("scheme", ["file", "direct"])
def test_a_local_denial_is_denied(tmp_path: Path, scheme: str) -> None:
    if os.getuid() != 0:
        pytest.skip("needs root, to become another user")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / "object").write_bytes(b"x")

    child = subprocess.run(
        [sys.executable, "-c", DENIED, f"{scheme}://{closed}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (child.returncode, child.stderr) == (0, "")


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

    assert caught.value.attempts == 3
    assert caught.value.retryable
    assert "refused" in str(caught.value).lower()


@pytest.mark.parametrize("uri", ["", "bucket/key", "s4://b/k", "file://relative", "s3:///key"])
def test_a_bad_uri_is_refused(uri: str) -> None:
    with pytest.raises(s3.InvalidInputError):
        s3.get(uri)


@pytest.mark.parametrize("level", [0, 22, 99, -1])
def test_a_bad_level_is_refused(level: int) -> None:
    with pytest.raises(ValueError, match=str(level)):
        s3.CheckpointStore("memory://m/", compression_level=level)


def test_an_unknown_option_names_the_nearest() -> None:
    with pytest.raises(s3.InvalidInputError, match="endpoint_url"):
        s3.get("s3://b/k", options={"endpont_url": "http://127.0.0.1"})

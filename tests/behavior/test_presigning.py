"""A signed URL works for whoever has it, for one thing and for a while."""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest

import s3dlio as s3

if TYPE_CHECKING:
    from behavior.place import Place

KEYS = ("object", "a b+%20/ü#?&=")
SENT = b"0123456789" * 1000


def fetch(url: str, method: str, body: bytes | None = None) -> tuple[int, bytes]:
    """Send a request as a program would that knows nothing but the URL."""
    headers = {"x-ms-blob-type": "BlockBlob"} if method == "PUT" else {}
    request = urllib.request.Request(url, body, headers, method=method)  # noqa: S310 - our own URL
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - as above
            return answer.status, answer.read()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read()


@pytest.fixture
def services(place: Place) -> Place:
    if not place.service:
        pytest.skip("no service answers here")
    return place


@pytest.mark.parametrize("key", KEYS, ids=ascii)
def test_anybody_can_do_what_the_url_is_for(services: Place, key: str) -> None:
    uri, options = services.uri(key), services.options

    put = s3.presign(uri, method="PUT", options=options)
    get = s3.presign(uri, expires_in=60, options=options)
    head = s3.presign(uri, method="head", options=options)
    delete = asyncio.run(s3.presign_async(uri, method="DELETE", options=options))

    assert fetch(put, "PUT", SENT)[0] in {200, 201}
    assert services.get(key) == SENT
    assert fetch(get, "GET") == (200, SENT)
    assert fetch(head, "HEAD") == (200, b"")
    assert fetch(put, "PUT", b"again")[0] in {200, 201}
    assert fetch(get, "GET") == (200, b"again")
    assert fetch(delete, "DELETE")[0] in {202, 204}
    assert services.names() == []
    assert fetch(get, "GET")[0] == 404


def test_nobody_can_do_anything_else(services: Place) -> None:
    services.put("object", SENT)
    services.put("other", SENT)
    get = s3.presign(services.uri("object"), options=services.options)

    assert fetch(get, "PUT", b"x")[0] == 403
    assert fetch(get, "DELETE")[0] == 403
    assert fetch(get.replace("/object?", "/other?"), "GET")[0] == 403
    assert fetch(get.partition("?")[0], "GET")[0] in {403, 404, 409}
    assert services.get("object") == services.get("other") == SENT


@pytest.mark.parametrize("seconds", [0, -1, 604_801, 1 << 70])
def test_a_time_out_of_bounds_is_named(seconds: int) -> None:
    with pytest.raises(s3.InvalidInputError, match=f"{seconds}"):
        s3.presign("s3://bucket/key", expires_in=seconds)


def test_an_unknown_method_is_named() -> None:
    with pytest.raises(s3.InvalidInputError, match='"PATCH"'):
        s3.presign("s3://bucket/key", method="PATCH")


@pytest.mark.parametrize(
    ("uri", "options"),
    [
        ("s3://bucket/key", {"anonymous": True}),
        ("az:///container/key", {"sas_token": "sv=1&sig=SECRET"}),
    ],
)
def test_without_a_key_nothing_is_signed(uri: str, options: dict[str, object]) -> None:
    where = {"endpoint_url": "http://127.0.0.1:9/account", "account_name": "account"}
    with pytest.raises(s3.UnsupportedError) as caught:
        s3.presign(uri, options={"region": "us-east-1", **where, **options})
    assert "SECRET" not in str(caught.value)

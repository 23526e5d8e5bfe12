"""A copy is the same bytes with the same properties, whichever way they went."""

from __future__ import annotations

import pickle
import random
import secrets
from typing import TYPE_CHECKING

import pytest

import s3dlio as s3
from behavior.place import PART

if TYPE_CHECKING:
    from behavior.place import Place
    from servers import Server

RANDOM = random.Random(21)  # noqa: S311 - test data
SIZES = (0, 3, PART + 1)


@pytest.mark.parametrize("size", SIZES)
def test_a_copy_has_the_bytes_and_properties_of_its_source(place: Place, size: int) -> None:
    sent = RANDOM.randbytes(size)
    source, target = place.uri("a b+%/source"), place.uri("to/ü%20target")
    if place.local:
        s3.put(source, sent, options=place.options)
    else:
        s3.put(
            source,
            sent,
            metadata={"epoch": "7"},
            content_type="text/x-test",
            options=place.options,
        )

    copied = s3.copy(source, target, options=place.options)

    assert s3.get(target, options=place.options) == sent
    before, after = (s3.stat(uri, options=place.options) for uri in (source, target))
    assert (after["metadata"], after["content_type"]) == (
        before["metadata"],
        before["content_type"],
    )
    assert (copied.size, copied.etag) == (size, after["etag"])
    assert copied.crc32c in {None, place.get("a b+%/source").crc32c()}
    assert pickle.loads(pickle.dumps(copied)) == copied  # noqa: S301 - our own bytes


@pytest.mark.parametrize("size", SIZES)
def test_a_copy_goes_to_another_service(minio: Server, azurite: Server, size: int) -> None:
    # The environment leads to both.
    assert minio.environment
    assert azurite.environment
    name = f"across-{secrets.token_hex(8)}"
    homes = f"s3://{name}/", f"az:///{name}/"
    source, target = (f"{home}object" for home in homes)
    sent = RANDOM.randbytes(size)
    for home in homes:
        s3.create_bucket(home)
    s3.put(source, sent, metadata={"epoch": "7"}, content_type="text/x-test")

    copied = s3.copy(source, target)
    back = s3.copy(target, f"s3://{name}/back")

    assert copied.crc32c == back.crc32c == s3.get(source).crc32c()
    assert s3.get(target) == s3.get(f"s3://{name}/back") == sent
    for uri in (target, f"s3://{name}/back"):
        found = s3.stat(uri)
        assert found["metadata"] == {"epoch": "7"}
        assert found["content_type"] == "text/x-test"
    for home in homes:
        s3.delete(home)
        s3.delete_bucket(home)


def test_an_object_is_not_copied_onto_itself(place: Place) -> None:
    place.put("object", b"bytes")
    uri = place.uri("object")
    targets = [uri]
    if place.local:
        path = uri.partition("://")[2]
        targets += [f"file://{path}", f"direct://{path}"]

    for target in targets:
        with pytest.raises(s3.InvalidInputError, match="same object"):
            s3.copy(uri, target, options=place.options)
    assert place.get("object") == b"bytes"


def test_a_missing_source_is_named(place: Place) -> None:
    with pytest.raises(s3.NotFoundError) as caught:
        s3.copy(place.uri("missing"), place.uri("target"), options=place.options)

    assert (caught.value.op, caught.value.uri) == ("copy", place.uri("missing"))
    assert place.names() == []

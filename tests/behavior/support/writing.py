"""Write objects: the bytes and properties that are found must be those that were given."""

from __future__ import annotations

import random
import urllib.request
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import s3dlio as s3
from behavior.place import PART
from behavior.support.faces import RefusedError
from behavior.support.rows import KEPT, Section

if TYPE_CHECKING:
    from behavior.place import Place
    from behavior.support.faces import Python, Shell

SECTION = Section("Write")
SENT = random.Random(32).randbytes(100_003)  # noqa: S311 - test data
LARGE = random.Random(33).randbytes(2 * PART + 7)  # noqa: S311 - test data

WHOLE = "an object"
ABSENT = "only where there is none: if_none_match"
METADATA = "with metadata"
CONTENT_TYPE = "with a content type"
STORAGE_CLASS = "with a storage class"
TIER = "with an access tier"
OTHER_TIER = "to another access tier"
COPY = "a copy of an object"
GENERATED = "generated objects"
URL = "a URL for others to read or write"


def stat(place: Place, name: str = "object") -> dict[str, Any]:
    """The properties of a stored object."""
    return dict(s3.stat(place.uri(name), options=place.options))


@SECTION.python(WHOLE, "put")
def put(do: Python) -> None:
    for sent in (b"before", SENT, LARGE):
        result = do(do.place.uri("object"), sent)

        got = do.place.get("object")
        assert got == sent
        assert (result.size, result.crc32c) == (len(sent), got.crc32c())
        assert result.etag == stat(do.place)["etag"]


@SECTION.shell(WHOLE, "cp -")
def cp_from_a_pipe(do: Shell) -> None:
    do(do.place.uri("object"), stdin=LARGE)

    assert do.place.get("object") == LARGE


@SECTION.python(ABSENT, "put")
def put_if_none_match(do: Python) -> None:
    uri = do.place.uri("object")
    do(uri, SENT, if_none_match=True)

    with pytest.raises(s3.AlreadyExistsError):
        do(uri, b"other", if_none_match=True)

    assert do.place.get("object") == SENT


@SECTION.shell(ABSENT, "cp --if-none-match")
def cp_if_none_match(do: Shell) -> None:
    uri = do.place.uri("object")
    do("-", uri, stdin=SENT)

    with pytest.raises(RefusedError, match="exit 1"):
        do("-", uri, stdin=b"other")

    assert do.place.get("object") == SENT


@SECTION.python(METADATA, "put")
def put_metadata(do: Python) -> None:
    do(do.place.uri("object"), SENT, metadata={"epoch": "7", "run": "a b"})

    assert stat(do.place)["metadata"] == {"epoch": "7", "run": "a b"}


@SECTION.shell(METADATA, "cp --metadata")
def cp_metadata(do: Shell) -> None:
    do("epoch=7", "--metadata", "run=a b", "-", do.place.uri("object"), stdin=SENT)

    assert stat(do.place)["metadata"] == {"epoch": "7", "run": "a b"}


@SECTION.python(CONTENT_TYPE, "put")
def put_content_type(do: Python) -> None:
    do(do.place.uri("object"), SENT, content_type="text/x-test")

    assert stat(do.place)["content_type"] == "text/x-test"


@SECTION.shell(CONTENT_TYPE, "cp --content-type")
def cp_content_type(do: Shell) -> None:
    do("text/x-test", "-", do.place.uri("object"), stdin=SENT)

    assert stat(do.place)["content_type"] == "text/x-test"


@SECTION.python(STORAGE_CLASS, "put")
def put_storage_class(do: Python) -> None:
    do(do.place.uri("object"), SENT, storage_class="REDUCED_REDUNDANCY")

    assert stat(do.place)["storage_class"] == "REDUCED_REDUNDANCY"


@SECTION.shell(STORAGE_CLASS, "cp --storage-class")
def cp_storage_class(do: Shell) -> None:
    do("REDUCED_REDUNDANCY", "-", do.place.uri("object"), stdin=SENT)

    assert stat(do.place)["storage_class"] == "REDUCED_REDUNDANCY"


@SECTION.python(TIER, "put")
def put_tier(do: Python) -> None:
    do(do.place.uri("object"), SENT, tier="Cool")

    assert stat(do.place)["tier"] == "Cool"


@SECTION.shell(TIER, "cp --tier")
def cp_tier(do: Shell) -> None:
    do("Cool", "-", do.place.uri("object"), stdin=SENT)

    assert stat(do.place)["tier"] == "Cool"


@SECTION.python(OTHER_TIER, "set_tier")
def set_tier(do: Python) -> None:
    do.place.put(KEPT, SENT)

    do(do.place.uri(KEPT), "cold")

    assert stat(do.place, KEPT)["tier"] == "Cold"


@SECTION.shell(OTHER_TIER, "set-tier")
def set_tier_command(do: Shell) -> None:
    do.place.put(KEPT, SENT)

    do(do.place.uri(KEPT), "cold")

    assert stat(do.place, KEPT)["tier"] == "Cold"


@SECTION.python("many objects", "put_many")
def put_many(do: Python) -> None:
    bodies = {f"many/{size}": SENT[:size] for size in range(10)}

    results = do(((do.place.uri(name), body) for name, body in bodies.items()), 3)

    assert [result.size for result in results] == list(range(10))
    assert {name: do.place.get(name) for name in bodies} == bodies


@SECTION.python("an object of many buffers", "put_vectored")
def put_vectored(do: Python) -> None:
    buffers = [LARGE[:1], LARGE[1 : PART + 3], b"", np.frombuffer(LARGE[PART + 3 :], np.uint8)]

    result = do(do.place.uri("object"), buffers, crc_spans=[(0, len(LARGE)), (5, 0)])

    got = do.place.get("object")
    assert got == LARGE
    assert result.span_crc32c == (got.crc32c(), 0)


@SECTION.python("as a binary file", "open")
def open_to_write(do: Python) -> None:
    with do(do.place.uri("object"), "wb") as file:
        for at in range(0, len(LARGE), 1 << 20):
            file.write(LARGE[at : at + (1 << 20)])
        assert do.place.names() == []

    assert do.place.get("object") == LARGE


@SECTION.python(COPY, "copy")
def copy(do: Python) -> None:
    do.place.put("object", SENT)

    result = do(do.place.uri("object"), do.place.uri("to/copy"))

    assert do.place.get("to/copy") == do.place.get("object") == SENT
    assert (result.size, result.etag) == (len(SENT), stat(do.place, "to/copy")["etag"])


@SECTION.shell(COPY, "cp")
def cp(do: Shell) -> None:
    do.place.put("object", SENT)

    do(do.place.uri("object"), do.place.uri("to/copy"))

    assert do.place.get("to/copy") == do.place.get("object") == SENT


def check_generated(place: Place) -> None:
    """Two objects of 300,000 bytes, which no compressor makes smaller, and no two alike."""
    bodies = [place.get(f"run/object_{number}_of_2.dat").tobytes() for number in range(2)]
    assert [len(body) for body in bodies] == [300_000, 300_000]
    assert bodies[0] != bodies[1]
    assert all(len(set(body[:1000])) > 200 for body in bodies)
    assert place.names() == ["run/object_0_of_2.dat", "run/object_1_of_2.dat"]


@SECTION.python(GENERATED, "generate")
def generate(do: Python) -> None:
    report = do(do.place.uri("run/"), 2, size=300_000)

    assert (report.objects, report.bytes) == (2, 600_000)
    check_generated(do.place)


@SECTION.shell(GENERATED, "put")
def put_command(do: Shell) -> None:
    (line,) = do.lines("-n", "2", "-s", "300000", do.place.uri("run/"))

    assert line.startswith("Uploaded 2 objects (total 600000 bytes) in ")
    check_generated(do.place)


def send(url: str, body: bytes | None = None) -> bytes:
    """What a program gets that knows nothing but the URL."""
    headers = {"x-ms-blob-type": "BlockBlob"} if body is not None else {}
    method = "GET" if body is None else "PUT"
    request = urllib.request.Request(url, body, headers, method=method)  # noqa: S310 - our own URL
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - as above
        return bytes(answer.read())


@SECTION.python(URL, "presign")
def presign(do: Python) -> None:
    uri = do.place.uri("object")

    send(do(uri, method="PUT", expires_in=60), SENT)

    assert do.place.get("object") == send(do(uri)) == SENT


@SECTION.shell(URL, "presign")
def presign_command(do: Shell) -> None:
    uri = do.place.uri("object")

    (put_url,) = do.lines("--method", "PUT", "--expires-in", "60", uri)
    send(put_url, SENT)
    (get_url,) = do.lines(uri)

    assert do.place.get("object") == send(get_url) == SENT

"""What a caller says of an object is kept, or refused by name; never lost in silence."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypedDict

import pytest

import s3dlio as s3
from behavior.place import PART

if TYPE_CHECKING:
    from behavior.place import Place


class Words(TypedDict, total=False):
    """The keyword options of a put."""

    metadata: dict[str, str]
    content_type: str
    storage_class: str
    tier: str


OPTIONS: tuple[tuple[str, Words], ...] = (
    ("metadata", {"metadata": {"epoch": "7"}}),
    ("content_type", {"content_type": "text/x-test"}),
    ("storage_class", {"storage_class": "REDUCED_REDUNDANCY"}),
    ("tier", {"tier": "cool"}),
)
KEPT = {
    "memory": {"metadata", "content_type", "storage_class"},
    "file": set[str](),
    "direct": set[str](),
    "minio": {"metadata", "content_type", "storage_class"},
    "azurite": {"metadata", "content_type", "tier"},
}


@pytest.mark.parametrize("size", [3, PART + 1])
@pytest.mark.parametrize(("option", "words"), OPTIONS)
def test_each_option_is_kept_or_refused(place: Place, option: str, words: Words, size: int) -> None:
    uri = place.uri("object")
    if option not in KEPT[place.target]:
        with pytest.raises(s3.UnsupportedError, match=option):
            s3.put(uri, bytes(size), options=place.options, **words)
        with pytest.raises(NotImplementedError, match=option):
            s3.put_many([(uri, bytes(size))], options=place.options, **words)
        with pytest.raises(s3.UnsupportedError, match=option):
            s3.generate(place.base, size=size, template="object", options=place.options, **words)
        assert not s3.exists(uri, options=place.options)
        return
    value = "Cool" if option == "tier" else dict(words)[option]

    s3.put(uri, bytes(size), options=place.options, **words)
    assert dict(s3.stat(uri, options=place.options))[option] == value

    pairs = [(place.uri(f"many/{i}"), bytes(size)) for i in range(3)]
    s3.put_many(pairs, options=place.options, **words)
    for each, _ in pairs:
        assert dict(s3.stat(each, options=place.options))[option] == value

    s3.generate(place.base, size=size, template="made", options=place.options, **words)
    assert dict(s3.stat(place.uri("made"), options=place.options))[option] == value


def test_many_objects_are_kept_when_asked(place: Place) -> None:
    uris = [place.uri(f"k{i}") for i in range(3)]
    place.put("k1", b"first")

    async def again() -> None:
        pairs = [(uri, b"second") for uri in uris]
        await s3.put_many_async(pairs, if_none_match=True, options=place.options)

    with pytest.raises(s3.AlreadyExistsError) as caught:
        asyncio.run(again())

    assert caught.value.uri == uris[1]
    assert place.get("k1") == b"first"


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ({"metadata": {"a": "two\nlines"}}, '"a"'),
        ({"metadata": {"a b": "x"}}, '"a b"'),
        ({"metadata": {"A": "1", "a": "2"}}, '"a"'),
        ({"content_type": "text/plain\r\nx-amz-acl: public-read"}, "content_type"),
        ({"content_type": ""}, "content_type"),
    ],
)
def test_a_value_that_cannot_be_sent_is_named(place: Place, words: Words, named: str) -> None:
    if place.local:
        pytest.skip("files keep neither metadata nor types, whatever their value")
    with pytest.raises(s3.InvalidInputError, match=named) as caught:
        s3.put(place.uri("object"), b"x", options=place.options, **words)

    assert caught.value.attempts == 0
    assert place.names() == []


def test_a_bad_tier_is_named(place: Place) -> None:
    error = s3.InvalidInputError if place.target == "azurite" else s3.UnsupportedError
    with pytest.raises(error, match="warm" if place.target == "azurite" else "tier"):
        s3.put(place.uri("object"), b"x", tier="warm", options=place.options)

"""A key is bytes: what a service can hold comes back as it went in; the rest is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import s3dlio as s3

if TYPE_CHECKING:
    from behavior.place import Place

ODD = (
    "with space",
    "plus+plus",
    "per%cent",
    "per%20cent",
    "ha#sh",
    "que?ry=1&b=2",
    "ünïcödé-日本-🙂",
    "line\nbreak",
    "quote\"and'apostrophe",
    "a=b;c,d:e@f!g$h*i(j)k[l]m{n}o|p~q`r^s<t>u",
    "back\\slash",
    "deep/er/and/deeper",
)


@pytest.mark.parametrize("key", ODD, ids=ascii)
def test_odd_keys_round_trip(place: Place, key: str) -> None:
    if place.target == "azurite" and "\\" in key:  # Azure takes it for a slash
        with pytest.raises(s3.InvalidInputError):
            place.put(key, b"x")
        return
    place.put(key, key.encode())

    assert place.get(key) == key.encode()
    assert place.names() == [key]
    assert s3.delete(place.uri(key), options=place.options) == 1
    assert not s3.exists(place.uri(key), options=place.options)


@pytest.mark.parametrize("key", ["/leading", "double//slash", "a/./b", "a/../b"])
def test_slashes_and_dots_are_kept_or_refused(place: Place, key: str) -> None:
    if place.target == "memory":
        place.put(key, b"x")
        assert place.names() == [key]
        return
    try:
        place.put(key, b"x")
    except s3.InvalidInputError:
        assert place.target != "azurite" or "." in key, "Azure holds empty components"
        assert place.names() == []
    else:
        assert place.target == "azurite", "only Azure and memory hold such keys here"
        assert (place.names(), place.get(key)) == ([key], b"x")

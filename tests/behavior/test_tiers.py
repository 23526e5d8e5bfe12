"""Access tiers: Azure has them, the others say that they do not."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

import s3dlio as s3

if TYPE_CHECKING:
    from behavior.place import Place


def test_an_object_moves_between_tiers(place: Place) -> None:
    place.put("object", b"bytes")
    uri, options = place.uri("object"), place.options
    if place.target != "azurite":
        with pytest.raises(s3.UnsupportedError, match="tier"):
            s3.set_tier(uri, "Cool", options=options)
        return

    for given, kept in (("cool", "Cool"), ("HOT", "Hot"), ("Cold", "Cold")):
        s3.set_tier(uri, given, options=options)
        assert s3.stat(uri, options=options).get("tier") == kept
    asyncio.run(s3.set_tier_async(uri, "archive", options=options))
    assert s3.stat(uri, options=options).get("tier") == "Archive"

    with pytest.raises(s3.InvalidInputError, match='"warm"'):
        s3.set_tier(uri, "warm", options=options)
    with pytest.raises(s3.NotFoundError):
        s3.set_tier(place.uri("missing"), "Cool", options=options)

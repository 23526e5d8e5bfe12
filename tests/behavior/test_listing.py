"""Listings are complete and in order; deletes remove exactly what was named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import s3dlio as s3

if TYPE_CHECKING:
    from behavior.place import Place


def put_all(place: Place, names: list[str]) -> None:
    options = {**place.options, "durable": False}  # the listing is tested, not the disk
    s3.put_many([(place.uri(name), b"x") for name in names], options=options)


def test_thousands_of_keys_list_in_order(place: Place) -> None:
    if place.target == "memory":
        options = place.options
        s3.put_many([(place.uri(f"d{i % 7}/k{i}"), b"x") for i in range(2500)], options=options)
    else:
        put_all(place, [f"d{i % 7}/k{i}" for i in range(2500)])
    expected = sorted(f"d{i % 7}/k{i}" for i in range(2500))

    assert place.names() == expected
    assert place.names(recursive=False) == [f"d{i}/" for i in range(7)]
    assert place.names("d3/", recursive=False) == [n for n in expected if n.startswith("d3/")]
    uris = s3.list_uris(place.base, recursive=True, options=place.options)
    assert uris == [place.uri(name) for name in expected]
    assert s3.delete(place.base, options=place.options) == 2500


def test_one_level_shows_prefixes(place: Place) -> None:
    for name in ("a.txt", "a/1", "a/2/3", "a0", "b/1", "z"):
        place.put(name, b"x")

    assert place.names(recursive=False) == ["a.txt", "a/", "a0", "b/", "z"]


def test_a_directory_is_no_object(place: Place) -> None:
    place.put("dir/file", b"x")

    for name in ("dir", "dir/", "none/"):
        assert not s3.exists(place.uri(name), options=place.options)


def test_the_last_part_is_a_pattern(place: Place) -> None:
    for name in ("data/a.csv", "data/b.csv.gz", "data/sub/c.csv"):
        place.put(name, b"x")

    assert place.names(r"data/.*\.csv", recursive=False) == ["data/a.csv"]
    assert place.names(r"data/.*\.csv") == ["data/a.csv", "data/sub/c.csv"]
    beside = s3.list(place.uri("data/"), True, r"b.*", options=place.options)
    assert [key.removeprefix(place.prefix) for key in beside] == ["data/b.csv.gz"]
    with pytest.raises(s3.InvalidInputError):
        s3.list(place.uri("data/x"), pattern="y", options=place.options)


def test_a_bucket_without_its_slash_is_not_emptied(place: Place) -> None:
    place.put("kept", b"x")

    with pytest.raises((s3.InvalidInputError, OSError)):
        s3.delete(place.base.removesuffix("/"), options=place.options)

    assert place.names() == ["kept"]


def test_delete_removes_exactly_what_was_named(place: Place) -> None:
    for name in ("obj_1", "obj_10", "xobj_1", "p/1", "p/q/2", "p.txt"):
        place.put(name, b"x")

    assert s3.delete(place.uri("obj_1"), options=place.options) == 1
    assert s3.delete(place.uri("p/"), options=place.options) == 2

    assert place.names() == ["obj_10", "p.txt", "xobj_1"]
    s3.delete(place.uri("obj_1"), options=place.options)  # a missing key is success


def test_buckets_are_made_once_and_removed_empty(place: Place) -> None:
    with pytest.raises(s3.AlreadyExistsError):
        s3.create_bucket(place.base, options=place.options)
    place.put("object", b"x")
    with pytest.raises(s3.NotEmptyError):
        s3.delete_bucket(place.base, options=place.options)
    inner = place.uri("inner/") if place.local else place.base.rstrip("/") + "-inner/"
    s3.create_bucket(inner, options=place.options)
    s3.delete_bucket(inner, options=place.options)
    with pytest.raises(s3.NotFoundError):
        s3.delete_bucket(inner, options=place.options)

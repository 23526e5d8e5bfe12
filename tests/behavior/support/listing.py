"""List, ask and delete: names, sizes and times, and exactly what was named is gone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import s3dlio as s3
from behavior.support.faces import RefusedError
from behavior.support.rows import Section

if TYPE_CHECKING:
    from behavior.place import Place
    from behavior.support.faces import Python, Shell

SECTION = Section("List, ask, delete")
NAMES = ["a.csv", "a.txt", "d/b.csv", "d/e/c.csv", "d0"]

LEVEL = "keys of one level"
ALL = "keys of all levels"
PATTERN = "keys that match a pattern"
URIS = "whole URIs"
ENTRIES = "keys with size and time"
WHETHER = "whether there is an object"
PROPERTIES = "all properties of an object"
ONE = "delete an object"
BELOW = "delete all below a prefix"

COUNT_LINES = 2
"""An empty line and the number of keys end a listing of the command."""


def fill(place: Place) -> None:
    """Store objects of 0, 1, 2... bytes under the names above."""
    for size, name in enumerate(NAMES):
        place.put(name, b"x" * size)


def keys(place: Place, *names: str) -> list[str]:
    """What a listing shows for these names."""
    return [place.prefix + name for name in names]


@SECTION.python(LEVEL, "list")
def list_level(do: Python) -> None:
    fill(do.place)

    assert do(do.place.base) == keys(do.place, "a.csv", "a.txt", "d/", "d0")
    assert do(do.place.uri("d/")) == keys(do.place, "d/b.csv", "d/e/")


@SECTION.shell(LEVEL, "list")
def list_level_command(do: Shell) -> None:
    fill(do.place)

    shown = keys(do.place, "a.csv", "a.txt", "d/", "d0")

    assert do.lines(do.place.base) == [*shown, "", "Total objects: 3"]  # a level is no object


@SECTION.python(ALL, "list")
def list_all(do: Python) -> None:
    fill(do.place)

    assert do(do.place.base, recursive=True) == keys(do.place, *NAMES)


@SECTION.shell(ALL, "list -r")
def list_all_command(do: Shell) -> None:
    fill(do.place)

    shown = keys(do.place, *NAMES)

    assert do.lines(do.place.base) == [*shown, "", "Total objects: 5"]


@SECTION.python(PATTERN, "list")
def list_pattern(do: Python) -> None:
    fill(do.place)
    matching = keys(do.place, "a.csv", "d/b.csv", "d/e/c.csv")

    assert do(do.place.base, pattern=r".*\.csv") == matching[:1]
    assert do(do.place.uri(r".*\.csv"), True) == matching


@SECTION.shell(PATTERN, "list --pattern")
def list_pattern_command(do: Shell) -> None:
    fill(do.place)

    assert do.lines(r".*\.csv", do.place.base)[:-COUNT_LINES] == keys(do.place, "a.csv")


@SECTION.python(URIS, "list_uris")
def list_uris(do: Python) -> None:
    fill(do.place)

    assert do(do.place.base, True) == [do.place.uri(name) for name in NAMES]


@SECTION.shell(URIS, "list --uris")
def list_uris_command(do: Shell) -> None:
    fill(do.place)

    shown = [do.place.uri(name) for name in ("d/b.csv", "d/e/")]

    assert do.lines(do.place.uri("d/"))[:-COUNT_LINES] == shown


@SECTION.python(ENTRIES, "scan")
def scan(do: Python) -> None:
    fill(do.place)
    stat = s3.stat(do.place.uri("d/b.csv"), options=do.place.options)

    entries = do(do.place.base, True)

    assert [entry.key for entry in entries] == keys(do.place, *NAMES)
    assert [entry.size for entry in entries] == list(range(len(NAMES)))
    assert (entries[2].etag, entries[2].last_modified) == (stat["etag"], stat["last_modified"])


@SECTION.shell(ENTRIES, "list --long")
def list_long(do: Shell) -> None:
    fill(do.place)
    time = s3.stat(do.place.uri("d/b.csv"), options=do.place.options)["last_modified"]

    first, level, *_ = do.lines(do.place.uri("d/"))

    assert first.split(maxsplit=2) == [time, "2", *keys(do.place, "d/b.csv")]
    assert level.split(maxsplit=2) == ["-", "-", *keys(do.place, "d/e/")]


@SECTION.python(PROPERTIES, "stat")
def stat(do: Python) -> None:
    result = do.place.put("object", b"12345")

    found = do(do.place.uri("object"))

    assert (found["size"], found["etag"]) == (5, result.etag)
    assert len(found) == 11 + (do.place.target == "azurite")


@SECTION.shell(PROPERTIES, "stat --json")
def stat_command(do: Shell) -> None:
    do.place.put("object", b"12345")

    found = json.loads(do(do.place.uri("object")))

    stat = dict(s3.stat(do.place.uri("object"), options=do.place.options))
    assert {name: found[name] for name in stat} == stat


@SECTION.python("all properties of many objects", "stat_many")
def stat_many(do: Python) -> None:
    fill(do.place)
    uris = [do.place.uri(name) for name in NAMES]

    found = do(uris, 2)

    assert found == [(uri, s3.stat(uri, options=do.place.options)) for uri in uris]
    assert [entry["size"] for _, entry in found] == list(range(len(NAMES)))


@SECTION.python(WHETHER, "exists")
def exists(do: Python) -> None:
    do.place.put("object", b"")

    assert do(do.place.uri("object")) is True
    assert do(do.place.uri("other")) is False


@SECTION.shell(WHETHER, "exists")
def exists_command(do: Shell) -> None:
    do.place.put("object", b"")

    assert do(do.place.uri("object")) == b""
    with pytest.raises(RefusedError, match="exit 3"):
        do(do.place.uri("other"))


@SECTION.shell("bytes and objects below a prefix", "du")
def du(do: Shell) -> None:
    fill(do.place)

    uri = do.place.uri("d/")

    assert do.lines(uri) == [f"5 bytes in 2 objects: {uri}"]


@SECTION.python(ONE, "delete")
def delete(do: Python) -> None:
    fill(do.place)

    assert do(do.place.uri("a.csv")) == 1
    assert do.place.names() == NAMES[1:]
    do(do.place.uri("a.csv"))  # a missing key is success


@SECTION.shell(ONE, "delete")
def delete_command(do: Shell) -> None:
    fill(do.place)

    assert do.lines(do.place.uri("a.csv")) == ["Done."]
    assert do.place.names() == NAMES[1:]


@SECTION.python(BELOW, "delete")
def delete_below(do: Python) -> None:
    fill(do.place)

    assert do(do.place.uri("d/")) == 2
    assert do.place.names() == ["a.csv", "a.txt", "d0"]


@SECTION.shell(BELOW, "delete")
def delete_below_command(do: Shell) -> None:
    fill(do.place)

    assert do.lines(do.place.uri("d/")) == ["Done."]
    assert do.place.names() == ["a.csv", "a.txt", "d0"]


@SECTION.shell("delete what matches a pattern", "delete --regex")
def delete_pattern(do: Shell) -> None:
    fill(do.place)

    assert do.lines(r"a\.c.*", do.place.base) == ["Done."]
    assert do.place.names() == NAMES[1:]


@SECTION.python("delete many objects", "delete_many")
def delete_many(do: Python) -> None:
    fill(do.place)

    assert do(do.place.uri(name) for name in [*NAMES[1:4], "missing"]) == 4
    assert do.place.names() == ["a.csv", "d0"]

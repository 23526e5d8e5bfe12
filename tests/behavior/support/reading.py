"""Read objects: the bytes must be those that were stored."""

from __future__ import annotations

import io
import random
from typing import TYPE_CHECKING

import numpy as np

from behavior.support.rows import Section

if TYPE_CHECKING:
    from behavior.place import Place
    from behavior.support.faces import Python, Shell

SECTION = Section("Read")
SENT = random.Random(31).randbytes(100_003)  # noqa: S311 - test data

WHOLE = "a whole object"
RANGE = "a part of an object"
COUNT = "many objects, only counted"


def stored(place: Place) -> str:
    """The URI of a stored object."""
    place.put("object", SENT)
    return place.uri("object")


def several(place: Place) -> tuple[list[str], list[bytes]]:
    """The URIs and the bytes of some stored objects of different sizes."""
    bodies = [SENT[: 1000 * size] for size in range(10)]
    for number, body in enumerate(bodies):
        place.put(f"many/{number}", body)
    return [place.uri(f"many/{number}") for number in range(10)], bodies


@SECTION.python(WHOLE, "get")
def get(do: Python) -> None:
    assert do(stored(do.place)) == SENT


@SECTION.shell(WHOLE, "cat")
def cat(do: Shell) -> None:
    assert do(stored(do.place)) == SENT


@SECTION.python(RANGE, "get")
def get_part(do: Python) -> None:
    uri = stored(do.place)

    assert do(uri, offset=5, length=1000) == SENT[5:1005]
    assert do(uri, offset=100_000) == SENT[100_000:]


@SECTION.python(RANGE, "get_range")
def get_range(do: Python) -> None:
    uri = stored(do.place)

    assert do(uri, 5, 1000) == SENT[5:1005]
    assert do(uri, 100_000) == SENT[100_000:]


@SECTION.shell(RANGE, "cat")
def cat_part(do: Shell) -> None:
    uri = stored(do.place)

    assert do("--offset", "5", "--length", "1000", uri) == SENT[5:1005]
    assert do("--offset", "100000", uri) == SENT[100_000:]


@SECTION.python("many objects, in order", "get_many")
def get_many(do: Python) -> None:
    uris, bodies = several(do.place)

    assert do(reversed(uris), 3) == list(reversed([*zip(uris, bodies, strict=True)]))


@SECTION.python("many objects, as they arrive", "iter_many")
def iter_many(do: Python) -> None:
    uris, bodies = several(do.place)

    arrived = do(uris, max_in_flight=3)

    assert sorted(index for index, _ in arrived) == list(range(10))
    assert all(data == bodies[index] for index, data in arrived)


@SECTION.python(COUNT, "get_many_stats")
def get_many_stats(do: Python) -> None:
    uris, bodies = several(do.place)

    assert do(uris) == (10, sum(map(len, bodies)))


@SECTION.shell(COUNT, "get")
def get_command(do: Shell) -> None:
    _, bodies = several(do.place)
    mebibytes = sum(map(len, bodies)) / (1 << 20)

    (line,) = do.lines("-j", "4", do.place.uri("many/"))

    assert line.startswith(f"downloaded {mebibytes:.2f} MiB in ")


@SECTION.python("into memory of the caller", "read_into")
def read_into(do: Python) -> None:
    uri = stored(do.place)
    whole, part = np.zeros(len(SENT), np.uint8), bytearray(1000)

    assert do(uri, whole) == len(SENT)
    assert do(uri, part, offset=5) == 1000
    assert (whole.tobytes(), part) == (SENT, SENT[5:1005])


@SECTION.python("many parts into memory of the caller", "read_into_many")
def read_into_many(do: Python) -> None:
    uris, bodies = several(do.place)
    wanted = [(9, 8000, 1000), (2, 0, 2000), (9, 0, 10), (9, 7000, 500)]
    rows = [bytearray(length) for _, _, length in wanted]

    total = do([(uris[at], offset, row) for (at, offset, _), row in zip(wanted, rows, strict=True)])

    assert total == sum(length for _, _, length in wanted)
    assert rows == [bodies[at][offset : offset + length] for at, offset, length in wanted]


@SECTION.python("as a binary file", "open")
def open_to_read(do: Python) -> None:
    with do(stored(do.place)) as file:
        assert isinstance(file, io.BufferedIOBase)
        assert file.read(10) == SENT[:10]
        assert file.seek(-5, io.SEEK_END) == len(SENT) - 5
        assert file.read() == SENT[-5:]

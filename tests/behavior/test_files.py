"""Objects as files: any consumer of binary files works, and nothing torn is ever left."""

from __future__ import annotations

import io
import pickle
import random
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pytest

import s3dlio as s3
from behavior.place import PART

if TYPE_CHECKING:
    from behavior.place import Place

RANDOM = random.Random(22)  # noqa: S311 - test data


def test_a_file_reads_as_one_of_the_machine(place: Place) -> None:
    sent = RANDOM.randbytes(3 * PART + 77)
    place.put("object", sent)
    mirror = io.BytesIO(sent)
    with s3.open(place.uri("object"), options=place.options) as file:
        assert isinstance(file, io.BufferedIOBase)
        for _ in range(150):
            size = RANDOM.choice([0, 1, 10, 100_000, PART, 2 * PART])
            match RANDOM.randrange(6):
                case 0:
                    position = RANDOM.randrange(len(sent) + 100)
                    assert file.seek(position) == mirror.seek(position)
                case 1:
                    mirror.seek(max(mirror.tell() - 1000, 0))
                    file.seek(mirror.tell())
                case 2:
                    assert file.read(size) == mirror.read(size)
                case 3:
                    target, expected = bytearray(size), bytearray(size)
                    assert file.readinto(target) == mirror.readinto(expected)
                    assert target == expected
                case 4:
                    assert file.readline() == mirror.readline()
                case _:
                    piece = file.read1(size)
                    assert piece == mirror.read(len(piece))
                    assert piece or not size or mirror.tell() >= len(sent)
            assert file.tell() == mirror.tell()
        assert file.seek(-5, io.SEEK_END) == len(sent) - 5
        assert file.read() == sent[-5:]
        assert (file.read(), file.read(5), file.size()) == (b"", b"", len(sent))
        file.seek(1)
        assert file.read() == sent[1:]
    with pytest.raises(ValueError, match="closed"):
        file.read(1)


def test_a_file_shows_when_it_is_closed(place: Place) -> None:
    sent = RANDOM.randbytes(3 * PART + 77)
    uri = place.uri("object")
    place.put("object", b"before")

    kind = None if place.local else "text/plain"  # which files cannot keep
    with s3.open(uri, "wb", content_type=kind, options=place.options) as file:
        at = 0
        while at < len(sent):
            piece = bytearray(sent[at : at + RANDOM.choice([1, 1000, 70_000, PART + 1])])
            body = bytes(piece) if RANDOM.random() < 0.5 else piece
            assert file.write(body) == len(piece)
            piece[:] = bytes(len(piece))  # What was written stays written.
            at += len(body)
            assert file.tell() == at
        assert place.get("object") == b"before"

    assert place.get("object") == sent
    assert kind in {None, s3.stat(uri, options=place.options)["content_type"]}
    with pytest.raises(s3.AlreadyExistsError):
        s3.open(uri, "wb", if_none_match=True, options=place.options).close()
    s3.open(place.uri("empty"), "wb", options=place.options).close()
    assert place.get("empty") == b""


def write_and_fail(file: io.BufferedIOBase, size: int) -> None:
    with file:
        file.write(bytes(size))
        raise ZeroDivisionError


@pytest.mark.parametrize("size", [9, 2 * PART])
def test_an_exception_leaves_what_was_there(place: Place, size: int) -> None:
    place.put("object", b"before")

    for name in ("object", "other"):
        file = s3.open(place.uri(name), "wb", options=place.options)
        with pytest.raises(ZeroDivisionError):
            write_and_fail(file, size)
        assert file.closed

    with pytest.warns(ResourceWarning, match="not closed"):
        s3.open(place.uri("object"), "wb", options=place.options).write(bytes(size))
    assert place.get("object") == b"before"
    assert place.names() == ["object"]


def test_consumers_of_files_work(place: Place) -> None:
    values = np.arange(300_000, dtype="f8").reshape(3, -1)
    uri, options = place.uri("object"), place.options

    with s3.open(uri, "wb", options=options) as file:
        np.save(file, values)
    assert np.array_equal(np.load(s3.open(uri, options=options)), values)

    with s3.open(uri, "wb", options=options) as file:
        np.savez_compressed(file, a=values)
    with np.load(s3.open(uri, options=options)) as loaded:
        assert np.array_equal(loaded["a"], values)

    with s3.open(uri, "wb", options=options) as file, zipfile.ZipFile(file, "w") as archive:
        archive.writestr("name", b"text" * 100_000)
    with zipfile.ZipFile(s3.open(uri, options=options)) as archive:
        assert archive.testzip() is None
        assert archive.read("name") == b"text" * 100_000

    thing = {"weights": values, "names": [str(i) for i in range(10_000)]}
    with s3.open(uri, "wb", options=options) as file:
        pickle.dump(thing, file)
    loaded = pickle.load(s3.open(uri, options=options))  # noqa: S301 - our own bytes
    assert loaded["names"] == thing["names"]

    with s3.open(uri, "wb", options=options) as file:
        text = io.TextIOWrapper(file, encoding="utf-8")
        print(*(f"Zeile {i} ü" for i in range(20_000)), sep="\n", file=text)
        text.flush()
    with io.TextIOWrapper(s3.open(uri, options=options), encoding="utf-8") as lines:
        assert [line.rstrip() for line in lines] == [f"Zeile {i} ü" for i in range(20_000)]


def test_a_file_is_of_one_version(place: Place) -> None:
    place.put("object", RANDOM.randbytes(PART))
    file = s3.open(place.uri("object"), options=place.options)
    file.read(10)

    place.put("object", RANDOM.randbytes(PART))

    file.seek(PART // 2)
    with pytest.raises(s3.PreconditionError) as caught:
        file.read(10)
    assert (caught.value.op, caught.value.uri) == ("open", place.uri("object"))


def test_a_missing_object_is_told_by_the_first_read(place: Place) -> None:
    file = s3.open(place.uri("missing"), options=place.options)

    for read in (lambda: file.read(1), file.read, file.size, lambda: file.seek(0, 2)):
        with pytest.raises(FileNotFoundError):
            read()

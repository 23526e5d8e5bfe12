"""Make and remove buckets, which are containers on Azure and directories on a disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import s3dlio as s3
from behavior.support.faces import RefusedError
from behavior.support.rows import Section

if TYPE_CHECKING:
    from behavior.place import Place
    from behavior.support.faces import Python, Shell

SECTION = Section("Buckets, containers, directories")
MAKE = "make one"
REMOVE = "remove one that is empty"


def other(place: Place) -> str:
    """The URI of a bucket that is not there yet."""
    return place.uri("inner/") if place.local else place.base.rstrip("/") + "-other/"


def works(place: Place, bucket: str) -> bool:
    """Whether an object can be put into a bucket without making it; it is emptied again."""
    if place.local and not place.names(recursive=False):
        return False  # a put makes directories
    try:
        s3.put(bucket + "k", b"x", options=place.options)
    except s3.NotFoundError:
        return False
    return s3.delete(bucket, options=place.options) == 1


@SECTION.python(MAKE, "create_bucket")
def create_bucket(do: Python) -> None:
    bucket = other(do.place)

    do(bucket)

    assert works(do.place, bucket)
    with pytest.raises(s3.AlreadyExistsError):
        do(bucket)
    s3.delete_bucket(bucket, options=do.place.options)


@SECTION.shell(MAKE, "create-bucket")
def create_bucket_command(do: Shell) -> None:
    bucket = other(do.place)

    do(bucket)

    assert works(do.place, bucket)
    with pytest.raises(RefusedError, match="exit 1"):
        do(bucket)
    s3.delete_bucket(bucket, options=do.place.options)


@SECTION.python(REMOVE, "delete_bucket")
def delete_bucket(do: Python) -> None:
    bucket = other(do.place)
    s3.create_bucket(bucket, options=do.place.options)
    s3.put(bucket + "k", b"x", options=do.place.options)

    with pytest.raises(s3.NotEmptyError):
        do(bucket)
    s3.delete(bucket, options=do.place.options)
    do(bucket)

    assert not works(do.place, bucket)


@SECTION.shell(REMOVE, "delete-bucket")
def delete_bucket_command(do: Shell) -> None:
    bucket = other(do.place)
    s3.create_bucket(bucket, options=do.place.options)
    s3.put(bucket + "k", b"x", options=do.place.options)

    with pytest.raises(RefusedError, match="exit 1"):
        do(bucket)
    s3.delete(bucket, options=do.place.options)
    do(bucket)

    assert not works(do.place, bucket)

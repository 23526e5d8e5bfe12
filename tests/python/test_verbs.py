"""What the Python face adds to the verbs: signatures, argument errors, results."""

from __future__ import annotations

import copy
import inspect
import re
from typing import TYPE_CHECKING, Any

import pytest

import s3dlio as s3
from python.child import pickled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from s3dlio._types import OptionsLike

BASE = "memory://verbs/"
URI = BASE + "k"

SIGNATURES = {
    "get": "(uri, *, offset=0, length=None, options=None)",
    "get_range": "(uri, offset, length=None, *, options=None)",
    "get_many": "(uris, max_in_flight=64, *, options=None)",
    "get_many_stats": "(uris, max_in_flight=64, *, options=None)",
    "read_into": "(uri, dst, *, offset=0, options=None)",
    "read_into_many": "(reads, *, max_gap=1048576, options=None)",
    "put": "(uri, data, *, if_none_match=False, metadata=None, content_type=None,"
    " storage_class=None, tier=None, options=None)",
    "put_many": "(objects, max_in_flight=32, *, if_none_match=False, metadata=None,"
    " content_type=None, storage_class=None, tier=None, options=None)",
    "copy": "(src, dst, *, options=None)",
    "presign": "(uri, *, method='GET', expires_in=3600, options=None)",
    "set_tier": "(uri, tier, *, options=None)",
    "put_vectored": "(uri, buffers, *, if_none_match=False, metadata=None, content_type=None,"
    " storage_class=None, tier=None, crc_spans=None, options=None)",
    "list": "(uri, recursive=False, pattern=None, *, options=None)",
    "list_uris": "(uri, recursive=False, pattern=None, *, options=None)",
    "stat": "(uri, *, options=None)",
    "stat_many": "(uris, max_in_flight=64, *, options=None)",
    "exists": "(uri, *, options=None)",
    "delete": "(uri, *, options=None)",
    "delete_many": "(uris, max_in_flight=64, *, options=None)",
    "create_bucket": "(uri, *, options=None)",
    "delete_bucket": "(uri, *, options=None)",
}


@pytest.fixture(autouse=True)
def _bucket() -> Iterator[None]:
    s3.create_bucket(BASE)
    yield
    s3.delete(BASE)
    s3.delete_bucket(BASE)


# Their twins are asynchronous iterators.
ITERATORS = {
    "iter_many": "(uris, *, ordered=False, max_in_flight=64, options=None)",
    "scan": "(uri, recursive=False, pattern=None, *, options=None)",
}


def bare(verb: Callable[..., object]) -> str:
    """The signature of `verb` without the annotations that those written in Python have."""
    parameters = inspect.signature(verb).parameters.values()
    return str(inspect.Signature([each.replace(annotation=each.empty) for each in parameters]))


@pytest.mark.parametrize(("verb", "expected"), ITERATORS.items())
def test_an_iterator_and_its_twin_take_the_same(verb: str, expected: str) -> None:
    sync, twin = getattr(s3, verb), getattr(s3, f"{verb}_async")

    assert bare(sync) == bare(twin) == expected
    assert inspect.isasyncgenfunction(twin)


@pytest.mark.parametrize(("verb", "expected"), SIGNATURES.items())
def test_a_verb_and_its_twin_take_the_same(verb: str, expected: str) -> None:
    sync, twin = getattr(s3, verb), getattr(s3, f"{verb}_async")

    assert bare(sync) == expected
    assert bare(twin) == expected
    assert inspect.iscoroutinefunction(twin)
    assert twin.__name__ == f"{verb}_async"


@pytest.mark.parametrize(
    "call",
    [
        lambda: s3.get(URI, offset=-1),
        lambda: s3.get(URI, length=-1),
        lambda: s3.get(URI, offset=1 << 64),
        lambda: s3.get_range(URI, -1),
        lambda: s3.get_range(URI, 0, -1),
        lambda: s3.read_into(URI, bytearray(1), offset=-1),
        lambda: s3.get_many([URI], -1),
        lambda: s3.get_many([URI], 0),
        lambda: s3.get_many_stats([URI], 0),
        lambda: s3.put_many([(URI, b"")], 0),
        lambda: s3.get("no-scheme"),
        lambda: s3.get("gs://b/k"),
        lambda: s3.get("file://host/k"),
        lambda: s3.get("memory://verbs/"),
        lambda: s3.get_many([URI, "gs://b/k"]),
        lambda: s3.iter_many([URI], max_in_flight=0),
        lambda: s3.read_into_many([(URI, -1, bytearray(1))]),
        lambda: s3.read_into_many([(URI, 0, b"")]),
        lambda: s3.read_into_many([(URI, 0, bytearray(1))], max_gap=-1),
        lambda: s3.put_vectored(URI, [b"abc"], crc_spans=[(0, 4)]),
        lambda: s3.put_vectored(URI, [b"abc"], crc_spans=[(-1, 1)]),
        lambda: s3.put_vectored(URI, [b"abc"], crc_spans=[((1 << 64) - 1, 5)]),
        lambda: s3.open(URI, "r"),  # type: ignore[call-overload]
        lambda: s3.open(URI, "rb", content_type="x"),  # type: ignore[call-overload]
        lambda: s3.open(URI).seek(-1),
        lambda: s3.open("gs://b/k"),
        lambda: s3.stat_many([URI], 0),
        lambda: s3.delete_many([URI], 0),
        lambda: s3.delete_many([URI, "gs://b/k"]),
        lambda: s3.list(BASE, pattern="("),
        lambda: s3.list(BASE + "a", pattern="a"),
        lambda: s3.create_bucket("memory://"),
    ],
)
def test_bad_input_is_a_value_error(call: Callable[[], object]) -> None:
    s3.put(URI, b"abc")

    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the class is checked next
        call()

    assert isinstance(caught.value, s3.InvalidInputError)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "call",
    [
        lambda: s3.get(b"memory://verbs/k"),  # type: ignore[arg-type]
        lambda: s3.get(None),  # type: ignore[arg-type]
        lambda: s3.get(URI, offset=1.5),  # type: ignore[arg-type]
        lambda: s3.get(URI, 1),  # type: ignore[call-arg]
        lambda: s3.get_many(URI),
        lambda: s3.iter_many(URI),
        lambda: s3.read_into_many(URI),  # type: ignore[arg-type]
        lambda: s3.read_into_many([URI]),  # type: ignore[list-item]
        lambda: s3.put_vectored(URI, b"abc"),  # type: ignore[arg-type]
        lambda: s3.put_vectored(URI, [b"abc"], crc_spans=[1]),  # type: ignore[list-item]
        lambda: s3.stat_many(URI),
        lambda: s3.delete_many(URI),
        lambda: s3.put_many(URI),  # type: ignore[arg-type]
        lambda: s3.put_many([URI]),  # type: ignore[list-item]
        lambda: s3.put(URI, b"", metadata={"a": 1}),  # type: ignore[dict-item]
        lambda: s3.get_many(5),  # type: ignore[arg-type]
    ],
)
def test_what_has_another_type_is_a_type_error(call: Callable[[], object]) -> None:
    with pytest.raises(TypeError):
        call()


def test_a_count_that_is_too_large_is_told_so() -> None:
    with pytest.raises(s3.InvalidInputError, match=r"above 0 and below 2\*\*64, not 1844"):
        s3.get_many([], 2**64)


def test_ranges() -> None:
    s3.put(URI, b"0123456789")

    assert s3.get(URI, offset=3) == b"3456789"
    assert s3.get(URI, offset=3, length=2) == b"34"
    assert s3.get(URI, length=0) == b""
    assert s3.get_range(URI, 8, 100) == b"89"
    with pytest.raises(s3.InvalidInputError) as caught:
        s3.get(URI, offset=10)
    assert caught.value.code == "InvalidRange"


def test_many_takes_any_iterable_and_keeps_the_order() -> None:
    uris = [f"{BASE}{i}" for i in range(50)]

    results = s3.put_many(((uri, str(i).encode()) for i, uri in enumerate(uris)), 7)

    assert [result.size for result in results] == [1] * 10 + [2] * 40
    got = s3.get_many(iter(uris), max_in_flight=3)
    assert [(uri, data.tobytes()) for uri, data in got] == [
        (uri, str(i).encode()) for i, uri in enumerate(uris)
    ]
    assert s3.get_many_stats(tuple(uris)) == (50, 90)
    assert s3.get_many([]) == []
    assert s3.put_many([]) == []
    assert s3.get_many_stats([]) == (0, 0)


def test_pairs_are_any_sequences_and_what_is_none_is_named() -> None:
    pair: Any = [URI, b"bytes"]
    target = bytearray(2)
    triple: Any = [URI, 1, target]
    span: Any = [1, 2]
    number: Any = 5

    assert [result.size for result in s3.put_many([pair])] == [5]
    assert s3.read_into_many([triple]) == 2
    assert s3.put_vectored(URI, [b"bytes"], crc_spans=[span]).span_crc32c

    for call, message in (
        (lambda: s3.put_many([pair, pair[:1]]), r"item 1 must be \(uri, data\), not list of 1"),
        (lambda: s3.put_many([pair, number]), r"item 1 must be \(uri, data\), not int"),
        (lambda: s3.read_into_many([pair]), r"item 0 must be \(uri, offset, dst\)"),
        (lambda: s3.put_vectored(URI, [], crc_spans=[pair * 2]), r"item 0 .* of 4"),
    ):
        with pytest.raises(TypeError, match=message):
            call()


def test_many_names_the_object_that_failed() -> None:
    s3.put(URI, b"")

    with pytest.raises(s3.NotFoundError) as caught:
        s3.get_many([URI, BASE + "missing"])

    assert caught.value.uri == BASE + "missing"


def test_put_result_is_a_value() -> None:
    result = s3.put(URI, b"123456789")

    assert (result.size, result.crc32c, result.version_id) == (9, 0xE3069283, None)
    assert result.etag is not None
    assert pickled(result) == copy.deepcopy(result) == result
    assert result != s3.put(URI, b"")
    assert f"size=9, crc32c={0xE3069283:#x}" in repr(result)
    with pytest.raises(AttributeError):
        result.size = 3  # type: ignore[misc]
    match result:
        case s3.PutResult(_, size, _, _):
            assert size == 9


def test_put_keeps_its_promises() -> None:
    metadata = {"epoch": "7", "run": "a b"}
    s3.put(URI, b"a", metadata=metadata, content_type="text/plain", storage_class="X")

    with pytest.raises(s3.AlreadyExistsError):
        s3.put(URI, b"b", if_none_match=True)

    entry = s3.stat(URI)
    assert s3.get(URI) == b"a"
    assert entry["metadata"] == metadata
    assert (entry["content_type"], entry["storage_class"]) == ("text/plain", "X")


def test_stat_has_the_documented_keys() -> None:
    s3.put(URI, b"abc")
    entry = s3.stat(URI)

    assert list(entry) == [
        "size",
        "last_modified",
        "etag",
        "content_type",
        "content_language",
        "storage_class",
        "metadata",
        "version_id",
        "replication_status",
        "server_side_encryption",
        "ssekms_key_id",
    ]
    assert entry["size"] == 3
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", str(entry["last_modified"]))


def test_listings() -> None:
    for key in ("a", "a.csv", "d/b.csv", "d/e/c", "ü"):
        s3.put(BASE + key, b"")

    assert s3.list(BASE) == ["a", "a.csv", "d/", "ü"]
    assert s3.list(BASE, True) == ["a", "a.csv", "d/b.csv", "d/e/c", "ü"]
    assert s3.list(BASE + r".*\.csv", recursive=True) == ["a.csv", "d/b.csv"]
    assert s3.list_uris(BASE + "d/") == [BASE + "d/b.csv", BASE + "d/e/"]
    assert s3.delete(BASE + "d/") == 2
    assert s3.delete(BASE + "a") == 1
    assert s3.list(BASE, True) == ["a.csv", "ü"]


def test_buckets() -> None:
    with pytest.raises(FileExistsError):
        s3.create_bucket(BASE)
    s3.put(URI, b"")
    with pytest.raises(s3.NotEmptyError):
        s3.delete_bucket(BASE)
    with pytest.raises(s3.NotFoundError):
        s3.delete_bucket("memory://no-such-bucket/")


@pytest.mark.parametrize("level", [None, 1, 3, 21])
def test_checkpoints_load_what_was_saved(level: int | None) -> None:
    store = s3.CheckpointStore(BASE + "run", compression_level=level)
    data = bytes(range(256)) * 1000

    report = store.put_shard("model/weights", 3, memoryview(data))

    assert store.get_shard("model/weights", 3) == data
    assert report.raw_size == len(data)
    assert report.ratio == report.stored_size / report.raw_size
    assert (report.ratio < 0.1) == (level is not None)
    assert pickled(report) == report
    assert (store.uri, store.compression_level) == (BASE + "run", level)
    with pytest.raises(s3.NotFoundError):
        store.get_shard("model/weights", 4)


@pytest.mark.parametrize("level", [0, 22, 99, -1, 1 << 40])
def test_other_levels_are_refused(level: int) -> None:
    with pytest.raises(ValueError, match="compression_level") as caught:
        s3.CheckpointStore(BASE, compression_level=level)

    assert isinstance(caught.value, s3.InvalidInputError)


@pytest.mark.parametrize("options", [None, {"part_size": 5 << 20}, s3.Options(verify="strong")])
def test_a_checkpoint_store_can_be_cloned(options: OptionsLike | None) -> None:
    store = s3.CheckpointStore(BASE + "run", 7, options=options)

    for clone in (pickled(store), copy.copy(store), copy.deepcopy(store)):
        assert repr(clone) == repr(store)
        assert clone.compression_level == 7


def test_bad_shard_names_and_ranks_are_refused() -> None:
    store = s3.CheckpointStore(BASE + "run")

    for name, rank in (("../x", 0), ("", 0), ("a b", 0), ("a", -1), ("a", 1 << 32)):
        with pytest.raises(s3.InvalidInputError):
            store.put_shard(name, rank, b"")
    with pytest.raises(s3.InvalidInputError):
        s3.CheckpointStore("gs://b/k")

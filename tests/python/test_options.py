"""`options=`: the same words as a dict and as `Options`, none of them lost or shown."""

from __future__ import annotations

import dataclasses
import inspect
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

import s3dlio as s3
from python.child import pickled, run

if TYPE_CHECKING:
    from s3dlio._types import OptionsLike

SECRETS = {
    "access_key_id": "AKIA-one",
    "secret_access_key": "two",
    "session_token": "three",
    "account_key": "four",
    "sas_token": "five",
    "connection_string": "six",
}


def test_the_words_are_those_of_the_core() -> None:
    core = [row["name"] for row in s3.settings() if not row["per_process"]]

    words = [field.name for field in dataclasses.fields(s3.Options)]
    # A callable has no form in the environment.
    assert [word for word in words if word != "credentials"] == core


def test_every_word_is_documented() -> None:
    for row in s3.settings():
        assert row["env"]
        assert row["help"]
        assert (row["choices"] is not None) == (row["kind"] == "choice")
        if not row["per_process"]:
            assert f"    {row['name']}: " in (inspect.getdoc(s3.Options) or "")


def test_options_are_frozen_and_survive_pickle() -> None:
    options = s3.Options(part_size="5MiB", durable=False, ca_bundle=Path("/x.pem"))

    with pytest.raises(dataclasses.FrozenInstanceError):
        options.part_size = 1  # type: ignore[misc]
    assert pickled(options) == options
    assert hash(options) == hash(dataclasses.replace(options))
    assert options.as_dict() == {
        "part_size": "5MiB",
        "durable": False,
        "ca_bundle": Path("/x.pem"),
    }


def test_secrets_do_not_show() -> None:
    options = s3.Options(region="eu-1", **SECRETS)  # type: ignore[arg-type]

    shown = f"{options!r} {options}"

    assert "region='eu-1'" in shown
    for name, secret in SECRETS.items():
        assert f"{name}='***'" in shown
        assert secret not in shown
    assert pickled(options) == options


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"part_sise": 1}, 'unknown option "part_sise"; did you mean "part_size"?'),
        ({"endpont_url": None}, 'did you mean "endpoint_url"?'),
        ({"part_size": -1}, "part_size=-1"),
        ({"part_size": 1.5}, "part_size=1.5"),
        ({"part_size": 2**80}, f"part_size={2**80}: expected 64 KiB or more and below 16 EiB"),
        ({"max_attempts": 2**64}, "a whole number above 0 and below 2^64"),
        ({"stall_timeout": 10**300}, "a time above 0 and below 2^64 seconds"),
        ({"part_size": [1]}, "part_size must be a str, a number, a bool or a path, not list"),
        ({"verify": "maybe"}, "strong, auto, off"),
        ({"durable": "perhaps"}, "durable=perhaps"),
        ({"max_attempts": 0}, "max_attempts=0"),
        ({"endpoint_url": "localhost:9000"}, "endpoint_url=localhost:9000"),
        ({"access_key_id": "only"}, "secret_access_key"),
        ({"rt_threads": 4}, "S3DLIO_RT_THREADS"),
        (s3.Options(direct="never"), "auto, strict"),  # type: ignore[arg-type]
    ],
)
def test_what_is_wrong_is_named(options: OptionsLike, message: str) -> None:
    with pytest.raises(s3.InvalidInputError) as caught:
        s3.exists("memory://options/k", options=options)

    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("part_sze", 'unknown option "part_sze"; did you mean "part_size"?'),
        ("timeout", 'unknown option "timeout"; did you mean "connect_timeout" or "stall_timeout"?'),
        ("credential", 'unknown option "credential"; did you mean "credentials"?'),
        ("frobnicate", 'unknown option "frobnicate"'),
        (
            "rt_threads",
            "rt_threads is no option: it holds for the whole process, so set S3DLIO_RT_THREADS",
        ),
    ],
)
def test_an_unknown_word_is_told_with_those_like_it(word: str, message: str) -> None:
    with pytest.raises(TypeError) as constructed:
        s3.Options(**{word: 1})  # type: ignore[arg-type]
    with pytest.raises(s3.InvalidInputError) as called:
        s3.exists("memory://options/k", options={word: 1})

    assert str(constructed.value) == str(called.value) == message
    assert "part_size" in inspect.signature(s3.Options).parameters


@pytest.mark.parametrize("options", ["part_size", 5, ["part_size"]])
def test_what_is_no_mapping_is_refused(options: OptionsLike) -> None:
    with pytest.raises(TypeError, match=r"must be a dict or s3dlio\.Options"):
        s3.exists("memory://options/k", options=options)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"part_size": None},
        {"part_size": 5 << 20, "durable": True, "retry_base": 0.5, "ca_bundle": Path("/x.pem")},
        {"part_size": np.int64(5 << 20), "retry_base": np.float64(0.5), "verify": "off"},
        s3.Options(part_size="5MiB", connect_timeout=2),
    ],
)
def test_values_come_as_python_has_them(options: OptionsLike) -> None:
    with pytest.raises(s3.NotFoundError):
        s3.get("memory://no-such-bucket/k", options=options)


def test_equal_options_share_a_client() -> None:
    # Each client reads into memory that it keeps for its next reads, which tells clients apart.
    uri = "memory://shared-client/k"
    s3.create_bucket("memory://shared-client/")
    s3.put(uri, bytes(32 << 20))

    def address(options: OptionsLike) -> int:
        return int(s3.get(uri, options=options).view("u1").ctypes.data)

    first = address({"part_size": 7_340_032})
    assert address(s3.Options(part_size="7340032")) == first
    assert address({"part_size": 7_340_033}) != first


def test_all_calls_of_a_process_see_one_memory() -> None:
    uri = "memory://one-memory/k"
    s3.create_bucket("memory://one-memory/")
    s3.put(uri, b"x", options={"part_size": "1MiB"})

    assert s3.get(uri) == b"x"
    assert s3.get(uri, options={"memory_limit": "99MiB"}) == b"x"
    printed = run("""
        import s3dlio as s3
        from s3dlio import _s3dlio
        s3.create_bucket("memory://one")
        s3.put("memory://one/two", b"three")
        assert _s3dlio.run_cli(["s3-cli", "cat", "memory://one/two"]) == 0
    """)
    assert printed == "three"


def test_every_verb_takes_options(tmp_path: Path) -> None:
    base, options = f"file://{tmp_path}/b/", {"durable": False}
    s3.create_bucket(base, options=options)
    s3.put(base + "k", b"abc", options=options)
    s3.put_many([(base + "l", b"de")], options=options)

    assert s3.get(base + "k", options=options) == b"abc"
    assert s3.get_range(base + "k", 1, options=options) == b"bc"
    assert s3.read_into(base + "k", bytearray(2), options=options) == 2
    assert len(s3.get_many([base + "k"], options=options)) == 1
    assert s3.get_many_stats([base + "k"], options=options) == (1, 3)
    assert s3.stat(base + "k", options=options)["size"] == 3
    assert s3.exists(base + "k", options=options)
    assert len(s3.list(base, options=options)) == 2
    assert len(s3.list_uris(base, options=options)) == 2
    assert s3.delete(base, options=options) == 2
    s3.delete_bucket(base, options=options)

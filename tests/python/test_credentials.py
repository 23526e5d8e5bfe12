"""`credentials=`: keys that a callable hands out, asked for again before they end."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

import s3dlio as s3
import testserver
from python.child import pickled, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

URI = "s3://bucket/object"


@pytest.fixture(scope="module")
def shared() -> Iterator[testserver.TestServer]:
    with testserver.running() as server:
        yield server


@pytest.fixture
def server(shared: testserver.TestServer) -> testserver.TestServer:
    """An S3 with one object, that has seen no request."""
    shared.reset()
    keys = {name: value for name, value in shared.options.items() if "key" in name}
    options = {**led_to(shared), "access_key_id": keys["access_key_id"], "secret_access_key": "x"}
    s3.create_bucket(URI.rsplit("/", 1)[0] + "/", options=options)
    s3.put(URI, b"bytes", options=options)
    shared.call("DELETE", "/requests")
    return shared


def led_to(server: testserver.TestServer) -> dict[str, object]:
    return {"endpoint_url": server.endpoint, "region": "us-east-1"}


class Vault:
    """Hands out `KEY0`, then `KEY1`, each for so many seconds."""

    def __init__(self, *lifetimes: float) -> None:
        self.lifetimes = list(lifetimes)
        self.asked: list[str] = []

    def keys(self) -> dict[str, object]:
        number = len(self.asked)
        self.asked.append(threading.current_thread().name)
        return {
            "access_key_id": f"KEY{number}",
            "secret_access_key": "s3cr3t",
            "session_token": "t0k3n",
            "expiry": datetime.now(UTC) + timedelta(seconds=self.lifetimes[number]),
        }


def signers(server: testserver.TestServer) -> list[str]:
    return [seen["key_id"] for seen in server.requests()]


def test_keys_are_asked_for_again_before_they_end(server: testserver.TestServer) -> None:
    vault = Vault(3, 3600)

    for _ in range(4):
        # A method is another object each time, and all the same one callable.
        assert s3.get(URI, options={**led_to(server), "credentials": vault.keys}) == b"bytes"

    assert signers(server) == ["KEY0", "KEY1", "KEY1", "KEY1"]
    assert vault.asked == ["s3dlio-credentials"] * 2


def test_each_callable_has_a_client_of_its_own(server: testserver.TestServer) -> None:
    first, second = Vault(3600, 3600), Vault(3600, 3600)
    second.asked.append("the first key was somebody else's")

    for vault in (first, second, first):
        s3.get(URI, options=s3.Options(**led_to(server), credentials=vault.keys))  # type: ignore[arg-type]

    assert signers(server) == ["KEY0", "KEY1", "KEY0"]
    assert len(first.asked) == 1


@pytest.mark.parametrize(
    "keys",
    [
        {"access_key_id": "K", "secret_access_key": "s", "session_token": None, "expiry": None},
        {"access_key_id": "K", "secret_access_key": "s", "expiry": 4_102_444_800},
        SimpleNamespace(access_key_id="K", secret_access_key="s", expiry=4.1e9),  # noqa: S106
    ],
    ids=["mapping", "seconds", "object"],
)
def test_keys_come_as_a_mapping_or_an_object(server: testserver.TestServer, keys: object) -> None:
    assert s3.exists(URI, options={**led_to(server), "credentials": lambda: keys})
    assert signers(server) == ["K"]


def test_a_loop_goes_on_while_the_callable_works(server: testserver.TestServer) -> None:
    async def main() -> object:
        loop, asked, ran = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

        def keys() -> dict[str, str]:
            loop.call_soon_threadsafe(asked.set)
            assert ran.wait(30), "the event loop stands still"
            return {"access_key_id": "K", "secret_access_key": "s"}

        options = {**led_to(server), "credentials": keys}
        work = asyncio.ensure_future(s3.get_async(URI, options=options))
        await asked.wait()
        ran.set()
        return await work

    assert asyncio.run(main()) == b"bytes"


def test_what_it_raises_is_the_cause(server: testserver.TestServer) -> None:
    def keys() -> object:
        raise LookupError("the vault is closed")

    options = {**led_to(server), "credentials": keys}

    with pytest.raises(s3.AccessDeniedError, match="LookupError: the vault is closed") as caught:
        s3.get(URI, options=options)

    assert isinstance(caught.value.__cause__, LookupError)
    assert (caught.value.op, caught.value.uri, caught.value.retryable) == ("get", URI, False)
    with pytest.raises(s3.AccessDeniedError, match="the vault is closed"):
        asyncio.run(_get(options))
    assert server.requests() == []


async def _get(options: dict[str, object]) -> object:
    return await s3.get_async(URI, options=options)


async def _coroutine() -> object:
    return {}


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (lambda: None, "NoneType without access_key_id"),
        (lambda: {"access_key_id": "K"}, "dict without secret_access_key"),
        (lambda: {"access_key_id": 5, "secret_access_key": "s"}, "no text as access_key_id"),
        (lambda: {"access_key_id": "K", "secret_access_key": ""}, "no text as secret_access_key"),
        (
            lambda: {
                "access_key_id": "K",
                "secret_access_key": "s",
                "expiry": datetime.now(),  # noqa: DTZ005 - what is refused
            },
            "time zone",
        ),
        (
            lambda: {"access_key_id": "K", "secret_access_key": "s", "expiry": "soon"},
            "seconds since the epoch, not str",
        ),
        (_coroutine, "plain function"),
    ],
    ids=["none", "half", "number", "empty", "naive", "text", "coroutine"],
)
def test_what_is_not_keys_is_named(
    server: testserver.TestServer, keys: Callable[[], object], words: str
) -> None:
    with pytest.raises(s3.InvalidInputError, match=words):
        s3.get(URI, options={**led_to(server), "credentials": keys})


def test_keys_that_have_ended_are_refused(server: testserver.TestServer) -> None:
    keys = {"access_key_id": "K", "secret_access_key": "s", "expiry": 3600}

    with pytest.raises(s3.AccessDeniedError, match="expired already"):
        s3.get(URI, options={**led_to(server), "credentials": lambda: keys})

    assert server.requests() == []


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"credentials": "keys"}, "must be a callable"),
        ({"access_key_id": "K", "secret_access_key": "s"}, "credentials and access_key_id"),
        ({"profile": "p"}, "credentials and profile"),
    ],
)
def test_only_one_can_say_who_signs(more: dict[str, object], words: str) -> None:
    with pytest.raises(s3.InvalidInputError, match=words):
        s3.get(URI, options={"credentials": dict, **more})


def test_options_with_a_callable_are_values() -> None:
    options = s3.Options(credentials=_module_level, region="r")

    assert pickled(options) == options
    assert hash(options) == hash(dataclasses.replace(options))
    assert "_module_level" in repr(options)


def _module_level() -> object:
    return {"access_key_id": "K", "secret_access_key": "s"}


def test_a_forked_child_asks_for_itself(server: testserver.TestServer) -> None:
    printed = run(
        """
import os, sys
import s3dlio as s3

def keys():
    return {"access_key_id": f"PID{os.getpid()}", "secret_access_key": "s"}

options = {"endpoint_url": sys.argv[1], "region": "us-east-1", "credentials": keys}
s3.get(sys.argv[2], options=options)
child = os.fork()
if child == 0:
    s3.get(sys.argv[2], options=options)
    os._exit(0)
print(os.getpid(), child, os.waitpid(child, 0)[1])
""",
        server.endpoint,
        URI,
    )

    parent, child, status = printed.split()
    assert status == "0"
    assert signers(server) == [f"PID{parent}", f"PID{child}"]


def test_the_main_thread_stays_the_main_one(server: testserver.TestServer) -> None:
    printed = run(
        """
import sys
import s3dlio as s3

def keys():
    import threading
    return {"access_key_id": "K", "secret_access_key": "s"}

options = {"endpoint_url": sys.argv[1], "region": "us-east-1", "credentials": keys}
s3.get(sys.argv[2], options=options)
import threading
print(threading.main_thread() is threading.current_thread())
""",
        server.endpoint,
        URI,
    )

    assert printed == "True\n"


def test_an_interpreter_exits_while_the_callable_works(server: testserver.TestServer) -> None:
    run(
        """
import sys, threading, time
import s3dlio as s3
asked = threading.Event()

def keys():
    asked.set()
    time.sleep(600)

options = {"endpoint_url": sys.argv[1], "region": "us-east-1", "credentials": keys}
reader = threading.Thread(target=lambda: s3.get(sys.argv[2], options=options), daemon=True)
reader.start()
asked.wait(30)
""",
        server.endpoint,
        URI,
    )

"""Asks the callable of `credentials=` for keys, on a thread of its own."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from datetime import datetime
from threading import Thread
from typing import TYPE_CHECKING, Protocol

from s3dlio.exceptions import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Callable

_WORDS = ("access_key_id", "secret_access_key", "session_token", "expiry")


class _Answer(Protocol):
    """Takes one answer; it is told once."""

    def send(
        self,
        access_key_id: str,
        secret_access_key: str,
        session_token: str | None,
        expiry: float | None,
    ) -> None: ...

    def fail(self, raised: BaseException) -> None: ...


def ask(callback: Callable[[], object], answer: _Answer) -> None:
    """Have `answer` told what `callback` returns or raises; come back at once."""
    Thread(target=_ask, args=(callback, answer), name="s3dlio-credentials", daemon=True).start()


def _ask(callback: Callable[[], object], answer: _Answer) -> None:
    try:
        keys = _keys(callback())
    except BaseException as raised:  # noqa: BLE001 - whoever waits must hear of it
        answer.fail(raised)
    else:
        answer.send(*keys)


def _keys(given: object) -> tuple[str, str, str | None, float | None]:
    if inspect.iscoroutine(given):
        given.close()
        raise InvalidInputError("the credentials callable must be a plain function, not async")
    if isinstance(given, Mapping):
        key_id, secret, token, expiry = (given.get(word) for word in _WORDS)
    else:
        key_id, secret, token, expiry = (getattr(given, word, None) for word in _WORDS)
    for word, value in (("access_key_id", key_id), ("secret_access_key", secret)):
        if value is None:
            raise InvalidInputError(
                f"the credentials callable returned a {type(given).__name__} without {word}"
            )
    return (
        _text("access_key_id", key_id),
        _text("secret_access_key", secret),
        None if token is None else _text("session_token", token),
        _time(expiry),
    )


def _text(word: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise InvalidInputError(f"the credentials callable returned no text as {word}")
    return value


def _time(value: object) -> float | None:
    """Seconds since the epoch."""
    if value is None:
        return None
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise InvalidInputError("the credentials callable returned an expiry without time zone")
        return value.timestamp()
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise InvalidInputError(
        "the credentials callable must return expiry as a datetime or seconds since the epoch, "
        f"not {type(value).__name__}"
    )

"""Items of any iterable on their way into the native module, as it has room for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Sink(Protocol):
    """Reads or writes under way."""

    def has_room(self) -> bool:
        """Whether another item can be begun."""
        ...

    def push(self, item: Any, /) -> None:  # noqa: ANN401 - each has its own items
        """Begins one."""
        ...

    def close(self) -> None:
        """Stops all."""
        ...


class Feed:
    """Items on their way into reads or writes, no more of them than there is room for."""

    def __init__(self, items: Iterable[object], sink: Sink, kind: str) -> None:
        if isinstance(items, str):
            raise TypeError(f"an iterable of {kind} is required, not one str")
        self._items: Iterator[object] | None = iter(items)
        self._sink = sink
        self._failure: Exception | None = None

    def fill(self) -> bool:
        """Hands on as many items as there is room for; whether there may be more."""
        while self._items is not None and self._sink.has_room():
            try:
                self._sink.push(next(self._items))
            except StopIteration:
                self._items = None
            except Exception as failure:  # noqa: BLE001 - raised when its turn comes
                self._items, self._failure = None, failure
        return self._items is not None

    def end(self) -> None:
        """Raises what was wrong with the items, now that those before it have been dealt with."""
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        self._sink.close()

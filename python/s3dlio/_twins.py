"""The `_async` twins as coroutine functions over the futures of the native module."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING

from s3dlio import _s3dlio

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Callable, Coroutine, Iterable
    from typing import Any, ParamSpec, TypeVar

    from s3dlio._types import Memory, OptionsLike

    _P = ParamSpec("_P")
    _T = TypeVar("_T")

_WATCH_INTERVAL_S = 0.05


def twin(
    verb: Callable[..., _T], start: Callable[_P, Future[_T]]
) -> Callable[_P, Coroutine[Any, Any, _T]]:
    """Makes `start`, which needs a running loop, a coroutine function documented like `verb`."""

    @wraps(start)
    async def coroutine(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        return await start(*args, **kwargs)

    coroutine.__module__ = "s3dlio"
    coroutine.__doc__ = _doc(verb)
    return coroutine


def watched_twin(
    verb: Callable[..., _T], start: Callable[_P, tuple[Future[_T], _s3dlio.Meter]]
) -> Callable[_P, Coroutine[Any, Any, _T]]:
    """As `twin`, for a verb that tells how far it is; `progress` is called on the loop's thread."""

    @wraps(start)
    async def coroutine(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        transfer, meter = start(*args, **kwargs)
        progress: Any = kwargs.get("progress")
        if callable(progress):
            await _watch(transfer, meter, progress)
        return await transfer

    coroutine.__module__ = "s3dlio"
    coroutine.__doc__ = _doc(verb)
    return coroutine


async def _watch(
    transfer: Future[Any],
    meter: _s3dlio.Meter,
    progress: Callable[[_s3dlio.TransferProgress], object],
) -> None:
    """Tells `progress` until `transfer` is done; an exception, also from there, stops it."""
    import asyncio  # noqa: PLC0415 - as below

    seen = _s3dlio.TransferProgress(0, 0, 0, 0)
    try:
        while not transfer.done():
            await asyncio.wait([transfer], timeout=_WATCH_INTERVAL_S)
            now = meter.now()
            failed = transfer.done() and not transfer.cancelled() and transfer.exception()
            if now != seen and not failed:
                seen = now
                progress(now)
    except BaseException:
        transfer.cancel()
        raise


def settle(future: Future[object], error: BaseException | None, result: object) -> None:
    """Ends `future`, unless it was cancelled; the native module has its loop call this."""
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)


async def read_into_async(
    uri: str,
    dst: Memory,
    *,
    offset: int = 0,
    options: OptionsLike | None = None,
) -> int:
    """Set below."""
    return await _held(*_s3dlio.read_into_async(uri, dst, offset=offset, options=options))


async def read_into_many_async(
    reads: Iterable[tuple[str, int, Memory]],
    *,
    max_gap: int = 1 << 20,
    options: OptionsLike | None = None,
) -> int:
    """Set below."""
    return await _held(*_s3dlio.read_into_many_async(reads, max_gap=max_gap, options=options))


async def _held(transfer: Future[int], stop: Callable[[], None]) -> int:
    """Awaits a transfer into memory of the caller; a cancel ends it only when nothing writes."""
    import asyncio  # noqa: PLC0415 - importing it costs more than the rest of this package

    try:
        return await asyncio.shield(transfer)
    except asyncio.CancelledError:
        stop()
        # Until the future is done, something may still write into the caller's memory.
        while not transfer.done():
            try:
                await asyncio.wait([transfer])
            except asyncio.CancelledError:
                continue
        transfer.exception()
        raise


def _doc(verb: Callable[..., object]) -> str:
    """The words on `verb`, with an example that awaits."""
    name = verb.__name__
    words = (verb.__doc__ or "").partition("Example:")[0].rstrip()
    return (
        f"`{name}` for asyncio: awaits the result; cancelling the task stops the transfer.\n\n"
        f"{words}\n\nExample:\n    `result = await s3dlio.{name}_async(...)`\n"
    )


read_into_async.__module__ = read_into_many_async.__module__ = "s3dlio"
read_into_async.__doc__ = _doc(_s3dlio.read_into)
read_into_many_async.__doc__ = _doc(_s3dlio.read_into_many)

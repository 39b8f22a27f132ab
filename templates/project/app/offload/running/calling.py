"""Calls the work: a plain function as it is, an `async def` on an event loop of its own."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from inspect import iscoroutinefunction
from typing import Any

from ..run import Run
from .signals import RunSignal


def call(work: Any, run: Run, params: Any, signal: RunSignal) -> Any:
    """What the work returns. Raises what it raises, and RunStopped."""
    if iscoroutinefunction(work):
        return asyncio.run(_until_stopped(work(run, params), signal))
    return work(run, params)


async def _until_stopped(work: Coroutine[Any, Any, Any], signal: RunSignal) -> Any:
    """Await the work; cancel it where it waits when the run must end."""
    loop, task = asyncio.get_running_loop(), asyncio.ensure_future(work)

    def cancel() -> None:
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(task.cancel)

    signal.wake = cancel
    if signal.reason:  # since before there was somebody to wake
        task.cancel()
    try:
        return await task
    except asyncio.CancelledError:
        if signal.reason:
            raise signal.reason from None
        raise
    finally:
        signal.wake = None

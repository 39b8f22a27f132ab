"""Calls the work: a plain function as it is, an `async def` on an event loop of its own.

A process that does nothing but run jobs keeps that loop from one to the next, because what a module
holds, such as an AsyncEngine of asyncpg's or an HTTP client, works on the loop of its first use
only. A thread beside the API's loop gets a new one for each job.
"""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from functools import cache
from inspect import iscoroutinefunction
from typing import Any

from ..database.engines import dispose_async_engine
from ..run import Run
from .signals import RunSignal


def call(work: Any, run: Run, params: Any, signal: RunSignal) -> Any:
    """What the work returns. Raises what it raises, and RunStopped."""
    if not iscoroutinefunction(work):
        return work(run, params)
    until_stopped = _until_stopped(work(run, params), signal)
    if threading.current_thread() is threading.main_thread():
        return _runner().run(_leaving_nothing(until_stopped), context=copy_context())
    return run_alone(until_stopped)


def run_alone(work: Coroutine[Any, Any, Any]) -> Any:
    """What the coroutine returns, on an event loop that is made for it."""
    return asyncio.run(_closing_connections(work))


@cache
def _runner() -> asyncio.Runner:
    """The loop of this process's jobs, which ends with it."""
    return asyncio.Runner()


async def _leaving_nothing(work: Coroutine[Any, Any, Any]) -> Any:
    """Await the work; end its tasks and await its threads, as the end of a loop does."""
    with ThreadPoolExecutor(thread_name_prefix="asyncio") as threads:
        asyncio.get_running_loop().set_default_executor(threads)
        try:
            return await work
        finally:
            left = asyncio.all_tasks() - {asyncio.current_task()}
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)


async def _closing_connections(work: Coroutine[Any, Any, Any]) -> Any:
    try:
        return await work
    finally:
        await dispose_async_engine()


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

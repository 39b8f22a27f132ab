"""Tells early that the server stops, and lets nothing cut the stop short.

Uvicorn first waits for open answers, and some never end.
"""

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGTERM, signal.SIGINT)
ALL_STOPS = (*SIGNALS, signal.SIGHUP, signal.SIGQUIT)  # the last is Celery's

_told = threading.Event()


def is_stopping() -> bool:
    """Whether the server of this process was told to stop."""
    return _told.is_set()


@contextmanager
def on_stop_signal(callback: Callable[[], None]) -> Iterator[None]:
    """Call back on the event loop when the process is told to stop; the server's handlers follow.

    Where the server has no handlers of its own, nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers
        return
    _told.clear()
    loop = asyncio.get_running_loop()
    handlers = {how: found for how in SIGNALS if callable(found := signal.getsignal(how))}

    def handle(how: int, frame: FrameType | None) -> None:
        _told.set()
        loop.call_soon_threadsafe(callback)  # the loop's own way in: it takes no lock
        handlers[signal.Signals(how)](how, frame)

    for how in handlers:
        signal.signal(how, handle)
    with _hangup_is_a_stop():
        try:
            yield
        finally:
            for how, handler in handlers.items():
                signal.signal(how, handler)


def ignore_stops() -> dict[signal.Signals, Any]:
    """Have signals to stop change nothing from now on; what they did so far. In the main thread.

    Servers and workers take a second one as an order to end at once, and what runs would have spent
    an attempt. SIGKILL is left to who cannot wait.
    """
    # Not those that something else than Python has set, which could not be set again.
    handlers = {how: found for how in ALL_STOPS if (found := signal.getsignal(how)) is not None}
    for how in handlers:
        signal.signal(how, lambda *_: None)  # not SIG_IGN, which programs would inherit
    return handlers


@contextmanager
def no_second_stop() -> Iterator[None]:
    """Meanwhile signals to stop change nothing: jobs are given back, which takes seconds."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = ignore_stops()
    try:
        yield
    finally:
        for how, handler in handlers.items():
            signal.signal(how, handler)


@contextmanager
def _hangup_is_a_stop() -> Iterator[None]:
    """A terminal that is closed stops the server as Ctrl-C does; by default it would just die."""
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_DFL:  # nohup, or the application's own
        yield
        return
    signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)

"""How long a thread has computed, read from another thread."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress

Clock = Callable[[], tuple[float, float, float]]
GIL_SECONDS = 0.005  # who waits for the GIL wakes so often


def thread_clock() -> Clock:
    """A clock of the calling thread: seconds on a CPU, seconds for which it waited for one, turns.

    A turn is each time that it got a CPU: who waits for the GIL takes many, however busy the
    machine is. These two on Linux only. Elsewhere nobody waits for a CPU, and turns pass as if the
    thread waited for the GIL all the time: a computation on a busy machine takes longer there.
    macOS has no clock of a thread that another one could read: there it is the process's, nearly
    the same where one thread works. When the thread has ended, the clock stands.
    """
    with suppress(OSError, ValueError):
        clock = _Schedule(threading.get_native_id())
        clock()
        return clock
    of_thread = getattr(time, "pthread_getcpuclockid", None)
    number = of_thread(threading.get_ident()) if of_thread else time.CLOCK_PROCESS_CPUTIME_ID
    return _CpuTime(number)


class _Schedule:
    """What Linux's scheduler counts of a thread."""

    def __init__(self, thread: int) -> None:
        self._file = os.open(f"/proc/self/task/{thread}/schedstat", os.O_RDONLY | os.O_CLOEXEC)
        self._last = 0.0, 0.0, 0.0

    def __call__(self) -> tuple[float, float, float]:
        with suppress(OSError, ValueError):  # the thread has ended
            on_cpu, ready, turns = map(int, os.pread(self._file, 64, 0).split())
            self._last = on_cpu / 1e9, ready / 1e9, turns
        return self._last

    def __del__(self) -> None:
        os.close(self._file)


class _CpuTime:
    """The clock of a thread, or of the process."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._last = 0.0

    def __call__(self) -> tuple[float, float, float]:
        with suppress(OSError):  # the thread has ended
            self._last = time.clock_gettime(self._number)
        return self._last, 0.0, time.monotonic() / GIL_SECONDS

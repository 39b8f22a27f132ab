"""The processes that run jobs: what each of them does first, and how it looks for work."""

import multiprocessing
import os
import resource
import signal
import socket
import threading
from collections.abc import Sequence
from typing import Any

import structlog

from ..database.engines import transact
from ..errors import LeaseLost, RunStopped
from ..observing import logs, tracing
from ..settings import get_settings
from .runner import Workplace, account, look
from .signals import RunSignal
from .watcher import GRACE_SECONDS, Watcher

log = structlog.get_logger()

NICENESS = 10  # they give way to the API when there are more of both than cores


class _Child:
    """What this child has from its start on."""

    queues: Sequence[str] = ()
    is_closing: Any  # a flag in shared memory; a lock might be held by a child that died
    watcher: Watcher


def default_workers() -> int:
    """The cores that this process may use; a container's quota of their time does not show here."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def worker_name() -> str:
    """How rows name this process: host and process id."""
    return f"{socket.gethostname()}:{os.getpid()}"


def begin_child(queues: Sequence[str], is_closing: Any) -> None:
    """What such a process does first."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # dies at once, in a C call too
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.nice(NICENESS)
    logs.configure()
    tracing.configure()
    _limit_memory()
    _Child.queues, _Child.is_closing = queues, is_closing
    _Child.watcher = Watcher(_end_process)


def look_in_child(prefix: str, queue: str | None) -> bool:
    """Run jobs under tokens that begin with `prefix`, as `runner.look` does."""
    _Child.watcher.prefix = prefix
    place = Workplace(
        queues=_Child.queues,
        worker=worker_name(),
        watcher=_Child.watcher,
        is_closing=lambda: bool(_Child.is_closing.value),
        is_stopping=lambda: False,  # the parent kills what has not ended in time
        while_running=_set_alarm,
    )
    return look(prefix, place, [queue] if queue else None)


def _set_alarm(_signal: RunSignal, deadline_seconds: float) -> None:
    """Have the kernel end this process when the work does not: C code may hold the GIL."""
    if threading.current_thread() is threading.main_thread():
        seconds = deadline_seconds + GRACE_SECONDS if deadline_seconds else 0.0
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _end_process(stopped: RunSignal, reason: type[RunStopped]) -> None:
    try:
        if reason is not LeaseLost:
            function, *args = account(reason)
            transact(function, stopped.token, *args)
    except LeaseLost:
        pass
    finally:
        os.kill(os.getpid(), signal.SIGKILL)  # the pool starts another one


def _limit_memory() -> None:
    if megabytes := get_settings().job_memory_mb:
        # Over it, the work meets a MemoryError, and no other process the kernel's killer.
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (megabytes * 1_000_000, most))


def _end_with_parent() -> None:
    if parent := multiprocessing.parent_process():
        parent.join()
    os.kill(os.getpid(), signal.SIGKILL)

"""Threads that run reports: what they take from the event loop, and what to do when they hang.

A thread cannot be killed. One that hangs keeps its slot after its report has been ended, and would
keep the interpreter from its exit.
"""

import os
import threading
import time
from collections.abc import Collection
from contextlib import suppress

import structlog
from anyio import CapacityLimiter, to_thread

from app import jobs
from app.database import transact
from app.errors import LeaseLost
from app.in_process import Run
from app.settings import OVERDUE_GRACE_SECONDS, get_settings

log = structlog.get_logger()

# A thread that computes gives the GIL to the event loop after so long. By default it is five times
# that, and each read and write of a request waits for it anew.
SWITCH_SECONDS = 0.001

ABANDON_SECONDS = 0.8  # to give back the reports of threads that hang, and to say goodbye


def trouble(runs: Collection[Run], workers: int) -> str | None:
    """What is wrong when no thread is left that could run a report, or None."""
    limit = get_settings().job_deadline_seconds + 2 * OVERDUE_GRACE_SECONDS
    since = time.monotonic() - limit
    hanging = sum(run.begun < since for run in runs)
    return f"all {workers} hang in reports past their deadline" if hanging == workers else None


async def abandon(runs: Collection[Run]) -> None:
    """Give the reports of threads that hang back, and end the process, which they would hold up."""
    if not runs:
        return
    log.warning("threads_abandoned", number=len(runs))
    threading.Thread(target=_exit_soon, daemon=True).start()
    limiter = CapacityLimiter(1)  # the default threads may all be busy
    for run in tuple(runs):
        with suppress(LeaseLost):  # its report has been ended
            await to_thread.run_sync(transact, jobs.release_uncounted, run.token, limiter=limiter)


def _exit_soon() -> None:
    time.sleep(ABANDON_SECONDS)
    os._exit(1)

"""A pool of processes that is watched: Pebble starts, kills and replaces them."""

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor
from functools import partial
from typing import Concatenate, ParamSpec, TypeVar, cast
from uuid import UUID

import structlog
from anyio import to_thread
from pebble import ProcessExpired, ProcessPool
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app import jobs
from app.database import transact
from app.errors import LeaseLost, TransientError
from app.logs import configure_logging
from app.pipeline import run_report
from app.settings import OVERDUE_GRACE_SECONDS, get_settings

log = structlog.get_logger()
P = ParamSpec("P")
T = TypeVar("T")

WATCH_SECONDS = 1.0
NICENESS = 10  # the children give way to the API when there are more of both than cores
# Imported once, by the process that the children are forked from.
PRELOADED = ["app.pipeline", "app.compute", "app.pdf", "app.storage"]


class SupervisedPool:
    """Runs reports in child processes and accounts for each child that ends before its report."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._pool = _new_pool(workers)  # not started yet
        self._runs: dict[str, asyncio.Future[None]] = {}
        self._stopping = False

    @property
    def trouble(self) -> str | None:
        """What is wrong with the pool, or None."""
        return None if self._pool.active else "its processes cannot be started"

    async def start(self) -> None:
        """Start the processes."""
        await to_thread.run_sync(_begin, self._pool)

    async def run_once(self, report_id: UUID, token: str) -> None:
        """Run a report in a child. Raises TransientError when the report is queued again."""
        self._runs[token] = run = self._start(report_id, token)
        try:
            await run
        except TimeoutError:
            await _write(jobs.fail, token, *jobs.DEADLINE_EXCEEDED)
        except (ProcessExpired, BrokenExecutor) as error:
            log.warning("child_lost", report_id=str(report_id), error=str(error))
            if await _write(jobs.release, token, *jobs.WORKER_LOST):
                raise TransientError("the child process was lost") from error
        except asyncio.CancelledError:
            if not self._stopping:
                raise
            await _write(jobs.release_uncounted, token)
        finally:
            del self._runs[token]

    async def watch(self) -> None:
        """Keep the leases of living children; kill those whose report has been ended or taken."""
        held: set[str] = set()
        doomed: set[str] = set()
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            try:
                await self._mend()
                # Those missing twice: a child that has just ended its report gets time to say so.
                had, held = held, await _write(jobs.renew, list(self._runs)) or set()
                missing = (had | doomed) & self._runs.keys() - held
                for token in missing & doomed:
                    self._kill(token)
                doomed = missing
            except SQLAlchemyError:
                log.exception("watch_failed")

    async def stop(self) -> None:
        """Kill what still runs; its reports go back to the queue."""
        self._stopping = True
        for run in self._runs.values():
            run.cancel()
        await to_thread.run_sync(_end, self._pool)

    def _start(self, report_id: UUID, token: str) -> asyncio.Future[None]:
        if not self._pool.active:
            raise TransientError("the pool is being rebuilt")
        limit = get_settings().job_deadline_seconds + OVERDUE_GRACE_SECONDS
        pool = cast(Executor, self._pool)  # Pebble's has the one method that is needed
        loop = asyncio.get_running_loop()
        return loop.run_in_executor(pool, run_report, limit, report_id, token)  # type: ignore[arg-type]

    def _kill(self, token: str) -> None:
        log.warning("child_killed", token=token)
        self._runs[token].cancel()

    async def _mend(self) -> None:
        # Pebble gives up when a child dies while no report runs.
        if not self._pool.active:
            log.warning("pool_rebuilt")
            broken, self._pool = self._pool, _new_pool(self._workers)
            await self.start()
            await to_thread.run_sync(_end, broken)


async def _write(
    function: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
) -> T | None:
    """Write to the database on a thread; None when the run no longer held its report."""
    try:
        return await to_thread.run_sync(partial(transact, function, *args, **kwargs))
    except LeaseLost:
        return None


def _new_pool(workers: int) -> ProcessPool:
    # Neither fork, which copies the locks of this process's threads, nor spawn, which is slower.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    tasks = get_settings().job_tasks_per_child
    return ProcessPool(workers, max_tasks=tasks, initializer=_begin_child, context=context)


def _begin(pool: ProcessPool) -> None:
    if not pool.active:  # asking starts it
        log.error("pool_not_started")


def _end(pool: ProcessPool) -> None:
    pool.stop()  # type: ignore[no-untyped-call]
    pool.join()


def _begin_child() -> None:
    os.setpgrp()  # signals to the server's group are for the server, which then ends its children
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # dies at once, in a C call too
    os.nice(NICENESS)
    configure_logging()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if parent := multiprocessing.parent_process():
        parent.join()
    os.kill(os.getpid(), signal.SIGKILL)

"""A pool of processes that is watched: Pebble starts, kills and replaces them."""

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import Concatenate, ParamSpec, TypeVar, TypeVarTuple, Unpack, cast
from uuid import UUID

import structlog
from anyio import CapacityLimiter, to_thread
from pebble import ProcessPool
from sqlalchemy.orm import Session
from structlog.contextvars import bound_contextvars

from app import jobs
from app.children import begin_child
from app.database import transact
from app.errors import LeaseLost
from app.pipeline import run_report
from app.settings import OVERDUE_GRACE_SECONDS, get_settings

log = structlog.get_logger()
P = ParamSpec("P")
T = TypeVar("T")
Ts = TypeVarTuple("Ts")

WATCH_SECONDS = 1.0
KILLED_AFTER = 2  # looks: a child that has just ended its report gets time to say so
# Imported once, by the process that the children are forked from.
PRELOADED = ["app.pipeline", "app.compute", "app.pdf", "app.storage"]


class SupervisedPool:
    """Runs reports in child processes and accounts for each child that ends before its report."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._pool: ProcessPool | None = None
        self._runs: dict[str, asyncio.Future[bool]] = {}
        self._limiter = CapacityLimiter(2)  # threads of its own: the default ones may all be busy
        self._stopping = False

    @property
    def trouble(self) -> str | None:
        """What is wrong with the pool, or None."""
        return None if self._pool and self._pool.active else "its processes cannot be started"

    async def start(self) -> None:
        """Start the processes and the watch over them."""
        await self._make()
        self._watching = asyncio.create_task(self._watch())

    async def drain(self, seconds: float) -> None:
        """Wait until nothing runs any more, for so long at the most."""
        if self._runs:
            await asyncio.wait(self._runs.values(), timeout=seconds)

    async def run_once(self, report_id: UUID, token: str) -> bool:
        """Run a report in a child. True when it should be run again after a while."""
        try:
            self._runs[token] = run = self._begin(report_id, token)
        except RuntimeError:  # the pool is broken, and about to be mended
            return True
        try:
            await asyncio.wait([run])
            with bound_contextvars(report_id=str(report_id)):
                return await self._outcome(run, token)
        finally:
            del self._runs[token]

    async def stop(self) -> None:
        """Kill what still runs; its reports go back to the queue."""
        self._stopping = True
        self._watching.cancel()
        await self._in_thread(_end, self._pool)
        for run in self._runs.values():
            run.cancel()

    async def _make(self) -> None:
        self._pool = await self._in_thread(_new_pool, self._workers)

    async def _watch(self) -> None:
        """Keep the leases of living children; kill those whose report has been ended or taken."""
        missing: dict[str, int] = {}  # how often in a row a run that held its report did not
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            try:
                await self._mend()
                held = await self._renew()
                missing = {
                    token: missing.get(token, 0) + 1 for token in missing if token in self._runs
                }
                missing |= dict.fromkeys(held, 0)
                for token in (token for token, times in missing.items() if times == KILLED_AFTER):
                    log.warning("child_killed", token=token)
                    self._runs[token].cancel()
            except Exception:
                log.exception("watch_failed")

    def _begin(self, report_id: UUID, token: str) -> asyncio.Future[bool]:
        limit = get_settings().job_deadline_seconds + OVERDUE_GRACE_SECONDS
        pool = cast(Executor, self._pool)  # Pebble's has the one method that is needed
        loop = asyncio.get_running_loop()
        return loop.run_in_executor(pool, run_report, limit, report_id, token)  # type: ignore[arg-type]

    async def _outcome(self, run: asyncio.Future[bool], token: str) -> bool:
        if not run.cancelled() and run.exception() is None:
            return run.result()
        if self._stopping:
            await self._write(jobs.release_uncounted, token)
            return True
        if run.cancelled():
            return True
        error = run.exception()
        if isinstance(error, TimeoutError):
            await self._write(jobs.fail, token, *jobs.DEADLINE_EXCEEDED)
            return False
        log.warning("child_lost", token=token, error=str(error))
        await self._write(jobs.release, token, *jobs.WORKER_LOST)
        return True  # it may have died before it claimed its report: the next claim will see

    async def _renew(self) -> set[str]:
        if not self._runs:
            return set()
        return await self._write(jobs.renew, list(self._runs)) or set()

    async def _mend(self) -> None:
        # Pebble gives up when a child dies while no report runs.
        if not self.trouble:
            return
        broken, runs = self._pool, list(self._runs.values())
        await self._make()
        log.warning("pool_rebuilt")
        await self._in_thread(_end, broken)
        for run in runs:
            run.cancel()

    async def _write(
        self, function: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T | None:
        """Write to the database on a thread; None when the run does not hold its report."""
        try:
            return await self._in_thread(partial(transact, function, *args, **kwargs))
        except LeaseLost:
            return None

    async def _in_thread(self, function: Callable[[Unpack[Ts]], T], *args: *Ts) -> T:
        return await to_thread.run_sync(function, *args, limiter=self._limiter)


def _new_pool(workers: int) -> ProcessPool:
    # Neither fork, which copies the locks of this process's threads, nor spawn, which is slower.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    tasks = get_settings().job_tasks_per_child
    pool = ProcessPool(workers, max_tasks=tasks, initializer=_begin_child, context=context)
    if not pool.active:  # asking starts it
        raise RuntimeError("the pool's processes cannot be started")
    return pool


def _end(pool: ProcessPool | None) -> None:
    if pool:
        pool.stop()  # type: ignore[no-untyped-call]
        pool.join()


def _begin_child() -> None:
    os.setpgrp()  # signals to the server's group are for the server, which then ends its children
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # dies at once, in a C call too
    begin_child()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if parent := multiprocessing.parent_process():
        parent.join()
    os.kill(os.getpid(), signal.SIGKILL)

"""A pool of processes that is watched: Pebble starts, kills and replaces them.

Each look for work goes to a child. The pool renews the leases of children that cannot, because C
code holds the GIL; it kills what does not heed a cancel; and it accounts for each child that ends
before its job: a death is an attempt, a stop is none.
"""

import ctypes
import multiprocessing
import signal
import threading
import uuid
from collections.abc import Sequence
from concurrent.futures import CancelledError, Future, wait
from dataclasses import dataclass
from itertools import count

import structlog
from pebble import ProcessPool
from sqlalchemy import Connection

from ..database.engines import transact
from ..errors import DeadlineExceeded, Interrupted, RunStopped
from ..queue import claim, ends
from ..queue.ends import WORKER_LOST, Attempt
from ..queue.sweep import backoff_after_loss
from ..settings import get_settings
from .children import begin_child, default_workers, look_in_child
from .pool_watch import PoolWatch
from .runner import account

log = structlog.get_logger()

# Imported once, by the process that the children are forked from; not what the work needs.
PRELOADED = (".own_group", ".children")
STOPPED_BY = (-signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP)


@dataclass(eq=False)
class Look:
    """A look that a child has been given: its tokens' prefix, and what comes of it."""

    prefix: str
    future: Future[bool]
    killed_for: type[RunStopped] | None = None


class SupervisedPool:
    """Runs jobs in child processes."""

    def __init__(self, queues: Sequence[str], workers: int | None = None) -> None:
        self.workers = workers or get_settings().job_workers or default_workers()
        self._queues = list(queues)
        self._prefix, self._numbers = uuid.uuid4().hex[:12], count()
        self._pool: ProcessPool | None = None
        self._context = multiprocessing.get_context("forkserver")
        self._is_closing = self._context.RawValue(ctypes.c_bool, False)
        self._is_stopping = False
        self._lock = threading.Lock()
        self._looks: set[Look] = set()

    @property
    def trouble(self) -> str | None:
        """What is wrong with the pool, or None."""
        return None if self._pool and self._pool.active else "its processes cannot be started"

    def start(self) -> None:
        """Start the processes and the watch over them. Raises RuntimeError when they cannot be."""
        self._pool = self._new_pool()
        self._watch = PoolWatch(self)
        self._watch.start()

    def look(self, queue: str | None = None, timeout: float | None = None) -> bool:
        """Have a child claim and run jobs until nothing waits, for a second and its last job.

        True when more may wait. After `timeout` seconds the caller is let go, the child goes on.
        """
        begun = self._begin(queue)
        if begun is None:
            return False
        wait([begun.future], timeout)
        return self.settle(begun) if begun.future.done() else False

    def close(self) -> None:
        """Claim no job any more."""
        self._is_closing.value = True

    def stop(self, grace_seconds: float) -> None:
        """Let what runs end within the grace period; kill and give back the rest."""
        self.close()
        wait([look.future for look in self.looks()], grace_seconds)
        self._is_stopping = True
        self._watch.stop()
        if self._pool:
            self._pool.stop()  # type: ignore[no-untyped-call]
            self._pool.join()
        for look in self.looks():
            self.settle(look)

    def looks(self) -> list[Look]:
        """The looks that are under way, or not settled."""
        with self._lock:
            return list(self._looks)

    @property
    def prefix(self) -> str:
        """What the tokens of all looks begin with."""
        return self._prefix

    def kill(self, look: Look, reason: type[RunStopped] | None) -> None:
        """Kill the child of a look; without a reason its job is accounted for as lost."""
        look.killed_for = reason
        look.future.cancel()

    def mend(self) -> None:
        """Build the pool anew if it is broken: Pebble gives up when a child dies while idle."""
        if not self.trouble or self._is_closing.value:
            return
        broken, looks = self._pool, self.looks()
        self._pool = self._new_pool()
        log.warning("pool_rebuilt")
        if broken:
            broken.stop()  # type: ignore[no-untyped-call]
            broken.join()
        for look in looks:
            self.settle(look)

    def settle(self, look: Look) -> bool:
        """Account for a look that is over, once; True when more may wait for another one."""
        with self._lock:
            if look not in self._looks:
                return False
            self._looks.discard(look)
        try:
            return look.future.result(timeout=0)
        except (CancelledError, Exception) as error:
            self._account(look, error)
            return True

    def _begin(self, queue: str | None) -> Look | None:
        pool = self._pool
        if pool is None or self._is_closing.value:
            return None
        prefix = f"{self._prefix}.{next(self._numbers)}."
        try:
            future = pool.submit(look_in_child, None, prefix, queue)
        except RuntimeError:  # the pool is broken, and about to be mended
            return None
        look = Look(prefix, future)
        with self._lock:
            self._looks.add(look)
        return look

    def _account(self, look: Look, error: BaseException) -> None:
        exit_code = getattr(error, "exitcode", None)
        reason = look.killed_for
        if self._is_stopping or exit_code in STOPPED_BY:
            reason = Interrupted
        elif exit_code == -signal.SIGALRM:
            reason = DeadlineExceeded
        if reason is None:
            log.warning("child_lost", exit_code=exit_code, error=repr(error))
        try:
            transact(_settle_rows, look.prefix, reason, f"exit code {exit_code}")
        except Exception:  # its lease runs out, and a janitor gives it back
            log.exception("lost_child_not_accounted_for")

    def _new_pool(self) -> ProcessPool:
        # Neither fork, which copies the locks of this process's threads, nor the slower spawn.
        self._context.set_forkserver_preload([f"{__package__}{name}" for name in PRELOADED])
        pool = ProcessPool(
            self.workers,
            max_tasks=get_settings().job_tasks_per_child,
            initializer=begin_child,
            initargs=(self._queues, self._is_closing),
            context=self._context,
        )
        if not pool.active:  # asking starts it
            raise RuntimeError("the pool's processes cannot be started")
        return pool


def _settle_rows(
    connection: Connection, prefix: str, reason: type[RunStopped] | None, detail: str
) -> None:
    for row in claim.locked(connection, prefix):
        if reason is None:
            wait_seconds = backoff_after_loss(row)
            attempt = Attempt("worker_lost", detail)
            ends.give_back(connection, row, attempt, failure=WORKER_LOST, wait_seconds=wait_seconds)
        else:
            function, *args = account(reason)
            function(connection, row.lease_token, *args)

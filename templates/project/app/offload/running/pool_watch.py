"""The watch over a pool's children, from outside of them: a thread of the pool's process."""

import os
import threading
import time
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import Row

from ..database.engines import read_once, transact_once
from ..errors import Cancelled, DeadlineExceeded, RunStopped
from ..queue import claim
from ..settings import get_settings
from .watcher import GRACE_SECONDS

if TYPE_CHECKING:
    from .pool import SupervisedPool

log = structlog.get_logger()

LONGEST_LOOK_SECONDS = 1.0
# A child ends its run itself, its kernel's alarm ends the child. What passes both stands still.
STANDS_STILL_SECONDS = 30.0
# Until a child that is gone is given up: Pebble tells of most, but takes exit code 0 for planned.
GONE_SECONDS = 2.0


class PoolWatch:
    """Renews leases in the children's place, kills what heeds nothing, settles what is over."""

    def __init__(self, pool: "SupervisedPool") -> None:
        self._pool = pool
        self._over = threading.Event()
        self._seen: dict[str, float] = {}  # by token, on the monotonic clock
        self._cancelled: dict[str, float] = {}
        self._gone: dict[str, float] = {}
        lease = get_settings().job_lease_seconds
        self._look_seconds = min(LONGEST_LOOK_SECONDS, lease / 10)
        self._renew_seconds = lease / 4
        self._renewed = time.monotonic()
        self._thread = threading.Thread(target=self._watch, name="offload-pool", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Watch no more."""
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(self._look_seconds):
            try:
                self._pool.mend()
                for look in self._pool.looks():
                    if look.future.done():
                        self._pool.settle(look)
                self._look()
            except Exception:
                log.warning("pool_watch_failed", exc_info=True)

    def _look(self) -> None:
        looks = self._pool.looks()
        if not looks:
            return
        rows = read_once(claim.watched, self._pool.prefix)
        self._remember(rows)
        for row in rows:
            look = next((one for one in looks if row.lease_token.startswith(one.prefix)), None)
            if look and (must := self._must_end(row)):
                log.warning("child_killed", token=row.lease_token, reason=must[1])
                self._pool.kill(look, must[0])
        if rows and time.monotonic() - self._renewed > self._renew_seconds:
            transact_once(claim.renew, self._pool.prefix, below=0.5)
            self._renewed = time.monotonic()

    def _remember(self, rows: Any) -> None:
        now = time.monotonic()
        self._seen = {row.lease_token: self._seen.get(row.lease_token, now) for row in rows}
        self._cancelled = {
            row.lease_token: self._cancelled.get(row.lease_token, now)
            for row in rows
            if row.cancel_requested_at is not None
        }
        self._gone = {
            row.lease_token: self._gone.get(row.lease_token, now)
            for row in rows
            if not _lives(int(row.worker.rpartition(":")[2]))
        }

    def _must_end(self, row: Row[Any]) -> tuple[type[RunStopped] | None, str] | None:
        now, token = time.monotonic(), row.lease_token
        if now - self._cancelled.get(token, now) > 2 * GRACE_SECONDS:
            return Cancelled, "cancelled"
        if now - self._seen[token] > row.deadline_seconds + STANDS_STILL_SECONDS:
            return DeadlineExceeded, "deadline"
        if now - self._gone.get(token, now) > GONE_SECONDS:
            return None, "gone"
        return None


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True

"""Recovers what was lost, promotes what is due, notifies again, and deletes what is old.

It runs in every API process; row locks see to it that each row is one janitor's business.
"""

import asyncio
import time
from collections.abc import Callable
from uuid import UUID

import structlog
from anyio import CapacityLimiter, to_thread

from .. import discovery, notifying
from ..database.engines import read_once, transact_once
from ..files import store
from ..queue import retention, statistics, sweep
from ..settings import get_settings
from .steady_clock import SteadyClock

log = structlog.get_logger()

ROLL_UP_SECONDS = 15.0
ORPHANS_SECONDS = 600.0  # between two looks for files without a row
ORPHAN_MILLISECONDS = 3_600_000  # an upload may take so long until its row is there
LONGEST_INTERVAL_SECONDS = 32.0


class Janitor:
    """Keeps the rows in order until it is cancelled."""

    def __init__(self) -> None:
        self._clock = SteadyClock()
        self._recovery = Recovery()
        self._notifications = Notifications()

    async def run(self) -> None:
        """Sweep, roll up, delete: each on a thread of its own, for a store may be slow."""
        pause = get_settings().sweep_seconds
        async with asyncio.TaskGroup() as all_of_them:
            all_of_them.create_task(_for_ever(self.sweep, pause))
            all_of_them.create_task(_for_ever(self.roll_up, ROLL_UP_SECONDS))
            all_of_them.create_task(_for_ever(self.expire, pause))
            all_of_them.create_task(_for_ever(self.delete_orphans, ORPHANS_SECONDS))

    def sweep(self) -> None:
        """Promote, recover and notify once; nothing is written when there is nothing to do."""
        work = read_once(sweep.work)
        is_even = self._clock.see(work.at)
        if work.has_due:
            transact_once(sweep.promote_due)
        self._recovery.go_on(work.lapsed_seconds, is_even)
        for queue in discovery.queues():
            number, first = read_once(sweep.waiting, queue)
            for _ in range(self._notifications.due(queue, number, first)):
                notifying.notify([queue])

    def roll_up(self) -> None:
        """Add to the statistics what has ended."""
        if self._clock.has_been_seen:
            transact_once(statistics.roll_up, self._clock.safe_now)

    def expire(self) -> None:
        """Delete some jobs that ended long ago: the row, then its files."""
        if not self._clock.has_been_seen:
            return
        at = self._clock.safe_now
        for job_id in read_once(retention.expired, at):
            if transact_once(retention.delete_expired, job_id, at):
                store.delete_prefix(str(job_id))
                log.info("job_expired", job_id=str(job_id))

    def delete_orphans(self) -> None:
        """Delete files without a row: a process died between the one and the other."""
        if not self._clock.has_been_seen:
            return
        newest = int(self._clock.safe_now.timestamp() * 1000) - ORPHAN_MILLISECONDS
        found = [job_id for name in store.list_jobs() if (job_id := _aged(name, newest))]
        for start in range(0, len(found), retention.AT_ONCE):
            for job_id in read_once(retention.without_a_row, found[start:][: retention.AT_ONCE]):
                store.delete_prefix(str(job_id))
                log.info("orphan_deleted", job_id=str(job_id))


class Recovery:
    """Recovers jobs whose lease ran out, once every living run could have renewed its own.

    That is not so where the clock was set, where nobody could write because the database was away
    or its disk full, or where the whole machine stood still. So it writes first, then waits for
    half of a lease: its run renews at a quarter.
    """

    def __init__(self) -> None:
        self._written: float | None = None  # on the monotonic clock

    def go_on(self, lapsed_seconds: float | None, is_even: bool) -> None:
        """Take the next step. Raises what the database does, and begins anew then.

        What it is told is the length of the shortest lease that ran out, if there is one.
        """
        since, self._written = self._written, None
        if lapsed_seconds is None:
            return
        if since is None or not is_even:
            transact_once(sweep.write)
            since = time.monotonic()
        elif (bearable := 2 * (time.monotonic() - since)) > lapsed_seconds:
            transact_once(sweep.recover_lapsed, bearable)
        self._written = since


class Notifications:
    """How often to notify for what waits: messages get lost, and must not pile up either.

    For a queue whose next job is another one each time somebody looks already; the interval doubles
    while it is the same.
    """

    def __init__(self) -> None:
        self._next: dict[str, tuple[str, float, float]] = {}  # the job, when, the interval

    def due(self, queue: str, number: int, first: str | None) -> int:
        """How many notifications to send now."""
        if first is None:
            self._next.pop(queue, None)
            return 0
        job, at, interval = self._next.get(queue, ("", 0.0, 0.0))
        now = time.monotonic()
        if job == first and now < at:
            return 0
        least = get_settings().sweep_seconds
        interval = (
            min(max(2 * interval, least), LONGEST_INTERVAL_SECONDS) if job == first else least
        )
        self._next[queue] = (first, now + interval, interval)
        return number


def _aged(name: str, newest: int) -> UUID | None:
    """The id that a folder is named for, when it was made before a time in milliseconds."""
    try:
        job_id = UUID(name)
    except ValueError:
        return None
    return job_id if job_id.int >> 80 < newest else None


async def _for_ever(work: Callable[[], None], pause: float) -> None:
    limiter = CapacityLimiter(1)
    while True:
        try:
            await to_thread.run_sync(work, limiter=limiter, abandon_on_cancel=True)
        except Exception:
            log.exception("janitor_failed", work=work.__name__)
        await asyncio.sleep(pause)

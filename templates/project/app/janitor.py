"""Puts back what was lost, ends what is overdue, rings again, expires what is old.

It runs in every API process; row locks see to it that each row is one janitor's business.
"""

import asyncio
import math
import time
from collections.abc import Sequence
from uuid import UUID

import structlog
from anyio import CapacityLimiter, to_thread
from sqlalchemy.orm import Session

from app import jobs, storage
from app.database import reading, transact
from app.offloader import Submit
from app.settings import get_settings

log = structlog.get_logger()

RENEW_SECONDS = 10  # for runs to renew their leases when the database is back


async def run(submit: Submit) -> None:
    """Sweep and expire for ever, each on a thread of its own: the default ones may all be busy."""
    async with asyncio.TaskGroup() as both:
        both.create_task(_sweep_for_ever(submit))
        both.create_task(_expire_for_ever())  # apart, because a store may fail or be slow


async def _sweep_for_ever(submit: Submit) -> None:
    limiter = CapacityLimiter(1)
    sweeper = Sweeper()
    while True:
        try:
            for report_id in await to_thread.run_sync(sweeper.sweep, limiter=limiter):
                await _ring(submit, report_id)
        except Exception:
            log.exception("sweep_failed")
        await asyncio.sleep(get_settings().sweep_seconds)


async def _expire_for_ever() -> None:
    limiter = CapacityLimiter(1)
    while True:
        try:
            # One hop for each report: when the service stops, no thread goes on with the others.
            for report_id in await to_thread.run_sync(list_expired, limiter=limiter):
                await to_thread.run_sync(expire, report_id, limiter=limiter)
        except Exception:
            log.exception("expiry_failed")
        await asyncio.sleep(get_settings().sweep_seconds)


async def _ring(submit: Submit, report_id: UUID) -> None:
    try:
        await submit(report_id)
    except Exception:
        log.exception("doorbell_failed", report_id=str(report_id))


class Sweeper:
    """Puts the rows in order. It believes that a lease ran out once the run could have renewed it.

    That is not so while the database was away, nor when this process has just begun: perhaps it
    waited for the database, too.
    """

    def __init__(self) -> None:
        self._is_first = True
        self._seen = self._believes_from = -math.inf  # on the monotonic clock

    def sweep(self) -> Sequence[UUID]:
        """The reports to ring for: those that are due, and at first all that wait.

        Whoever waited for a queued report may have died before this process began.
        """
        found = transact(self._put_in_order)
        self._is_first = False
        return found

    def _put_in_order(self, session: Session) -> Sequence[UUID]:
        session.connection()  # here, and in no look before, it is certain that the database is back
        lost = jobs.give_back_lapsed(session) if self._believes_leases() else []
        ended = jobs.end_overdue(session)
        if ended or lost:
            log.warning("swept", ended=list(map(str, ended)), queued_again=list(map(str, lost)))
        return list(dict.fromkeys((*lost, *jobs.take_unrung(session, everything=self._is_first))))

    def _believes_leases(self) -> bool:
        at, settings = time.monotonic(), get_settings()
        if at - self._seen > settings.sweep_seconds + settings.job_lease_seconds / 2:
            log.info("leases_may_be_renewed", seconds=RENEW_SECONDS)
            self._believes_from = at + RENEW_SECONDS
        self._seen = at
        return at >= self._believes_from


def list_expired() -> Sequence[UUID]:
    """Some reports past their retention."""
    with reading() as session:
        return jobs.expired(session)


def expire(report_id: UUID) -> None:
    """Delete a report, the PDFs first: a row without its PDF is tried again.

    Nothing happens to one that was asked for again meanwhile.
    """
    try:
        keys = storage.list_keys(report_id)
        # Only now: what a later run stores is not among the keys, and no earlier one can end it.
        if transact(jobs.is_expired, report_id):
            storage.delete(keys)
            transact(jobs.delete_expired, report_id)
            log.info("report_expired", report_id=str(report_id))
    except Exception:
        log.exception("expiry_failed", report_id=str(report_id))

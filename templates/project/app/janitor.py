"""Puts back what was lost, ends what is overdue, rings again, expires what is old.

It runs in every API process; row locks see to it that each row is one janitor's business.
"""

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from uuid import UUID

import structlog
from anyio import CapacityLimiter, to_thread
from sqlalchemy import text
from sqlalchemy.orm import Session

from app import jobs, storage
from app.database import reading, transact
from app.offloader import Submit
from app.settings import get_settings

log = structlog.get_logger()

# After the database was away for so long that leases may have lapsed: for runs to renew theirs.
RENEW_SECONDS = 10


async def run(submit: Submit) -> None:
    """Sweep and expire for ever, each on a thread of its own: the default ones may all be busy."""
    async with asyncio.TaskGroup() as both:
        both.create_task(_sweep_for_ever(submit))
        both.create_task(_expire_for_ever())  # apart, because a store may fail or be slow


async def _sweep_for_ever(submit: Submit) -> None:
    limiter = CapacityLimiter(1)
    everything = True  # at the start: who waited for a queued report may have died
    seen = time.monotonic()
    while True:
        try:
            await _let_runs_renew(seen, limiter)
            for report_id in await to_thread.run_sync(
                partial(sweep, everything=everything), limiter=limiter
            ):
                await _ring(submit, report_id)
            everything, seen = False, time.monotonic()
        except Exception:
            log.exception("sweep_failed")
        await asyncio.sleep(get_settings().sweep_seconds)


async def _let_runs_renew(seen: float, limiter: CapacityLimiter) -> None:
    """Come back when the database answers, and the runs have had time to hear of it, too."""
    await to_thread.run_sync(transact, see_database, limiter=limiter)
    if time.monotonic() - seen > get_settings().job_lease_seconds / 2:
        log.warning("database_was_away", sweep_in_seconds=RENEW_SECONDS)
        await asyncio.sleep(RENEW_SECONDS)


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


def see_database(session: Session) -> None:
    """Come back when the database lets this process write."""
    session.execute(text("SELECT 1"))


def sweep(*, everything: bool) -> Sequence[UUID]:
    """Put the rows in order; the reports to ring for: those that are due, or all that wait."""
    return transact(_put_in_order, everything=everything)


def _put_in_order(session: Session, *, everything: bool) -> Sequence[UUID]:
    # Lapsed leases first: a report is not overdue because nobody was there to run it.
    lost = jobs.give_back_lapsed(session)
    session.flush()
    ended = jobs.end_overdue(session)
    if ended or lost:
        log.warning("swept", ended=list(map(str, ended)), queued_again=list(map(str, lost)))
    return list(dict.fromkeys((*lost, *jobs.take_unrung(session, everything=everything))))


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

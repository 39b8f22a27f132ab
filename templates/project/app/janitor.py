"""Puts back what was lost, ends what is overdue, rings again, expires what is old.

It runs in every API process; row locks see to it that each row is one janitor's business.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from uuid import UUID

import structlog
from anyio import CapacityLimiter, to_thread
from sqlalchemy import delete
from sqlalchemy.orm import Session

from app import jobs, storage
from app.database import reading, transact
from app.models import Report
from app.offloader import Submit
from app.settings import get_settings

log = structlog.get_logger()


async def run(submit: Submit) -> None:
    """Sweep for ever. At the start every queued report is rung: who waited for it may have died."""
    limiter = CapacityLimiter(1)  # a thread of its own: the default ones may all be busy
    everything = True
    while True:
        try:
            due = await to_thread.run_sync(partial(sweep, everything=everything), limiter=limiter)
            everything = False
            for report_id in due:
                await submit(report_id)
        except Exception:
            log.exception("sweep_failed")
        await asyncio.sleep(get_settings().sweep_seconds)


def sweep(*, everything: bool) -> Sequence[UUID]:
    """Put the rows in order; the reports to ring for."""
    due = transact(_put_in_order, everything=everything)
    _expire()
    return due


def _put_in_order(session: Session, *, everything: bool) -> Sequence[UUID]:
    ended = jobs.end_overdue(session)
    lost = jobs.give_back_lapsed(session)
    if ended or lost:
        log.warning("swept", ended=list(map(str, ended)), queued_again=list(map(str, lost)))
    return list(dict.fromkeys((*lost, *jobs.take_unrung(session, everything=everything))))


def _expire() -> None:
    """Delete reports past their retention, the PDFs first: a row without a PDF is tried again."""
    with reading() as session:
        old = jobs.expired(session)
    for report_id in old:
        storage.delete_all(report_id)
        transact(_delete_report, report_id)
        log.info("report_expired", report_id=str(report_id))


def _delete_report(session: Session, report_id: UUID) -> None:
    session.execute(delete(Report).where(Report.id == report_id))

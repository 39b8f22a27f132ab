"""The life of a report's row: queued, claimed under a lease, ended once.

Every function works in the caller's transaction. Whoever runs a report holds its lease token, and
every write of the run carries the token: a run that lost its lease can change nothing.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Update, and_, case, delete, func, or_, select, update
from sqlalchemy.orm import Session, object_session

from app import callbacks, tallies
from app.callbacks import GIVE_UP_AFTER
from app.errors import Cancelled, LeaseLost
from app.models import ENDED, Report, Status, now
from app.settings import OVERDUE_GRACE_SECONDS, get_settings

MOST_RING_INTERVALS = 16  # of RING_AGAIN_SECONDS, between two rings
WORKER_LOST = ("worker_lost", "The process that ran the report died each time it was tried.")
DEADLINE_EXCEEDED = ("deadline_exceeded", "The report took longer than is allowed.")


def count_queued(session: Session) -> int:
    """How many reports wait to be run."""
    waiting = select(func.count()).where(Report.status == Status.QUEUED)
    return session.execute(waiting).scalar_one()


def enqueue(report: Report) -> None:
    """Make a report wait for its next run, from now on."""
    report.status = Status.QUEUED
    report.lease_token = report.lease_expires_at = report.deadline_at = None
    report.queued_at = now()
    report.ring_at = report.queued_at + _seconds(get_settings().ring_again_seconds)


def claim(session: Session, report_id: UUID, token: str) -> Report | None:
    """Take a queued report for one run; None when it is not to be run, or runs elsewhere.

    Twice under one token is once: a commit may have arrived though its answer was lost. A lease
    that ran out is not taken over here: whether its run is dead, or the database was away and the
    run about to renew it, is for the janitor to judge.
    """
    settings, at = get_settings(), now()
    claimed = session.execute(
        _update()
        .where(Report.id == report_id, Report.status == Status.QUEUED)
        .values(
            version=Report.version + 1,
            status=Status.RUNNING,
            attempts=Report.attempts + 1,
            progress=0.0,
            started_at=at,
            lease_token=token,
            lease_expires_at=at + _seconds(settings.job_lease_seconds),
            deadline_at=at + _seconds(settings.job_deadline_seconds),
        )
        .returning(Report)
    ).scalar_one_or_none()
    own = select(Report).where(Report.id == report_id, _held(token))
    return claimed or session.execute(own).scalar_one_or_none()


def beat(session: Session, token: str, progress: float) -> bool:
    """Renew the lease and note the progress; True when a cancel was asked for.

    Raises LeaseLost when the run no longer holds the report.
    """
    row = session.execute(
        _update()
        .where(_held(token))
        .values(
            version=Report.version + case((Report.progress != progress, 1), else_=0),
            progress=progress,
            lease_expires_at=_lease_end(),
        )
        .returning(Report.cancel_requested_at)
    ).one_or_none()
    if row is None:
        raise LeaseLost
    return row.cancel_requested_at is not None


def renew(session: Session, tokens: Collection[str]) -> set[str]:
    """Renew the leases of several runs; which of them still hold their report."""
    held = session.execute(
        _update()
        .where(Report.status == Status.RUNNING, Report.lease_token.in_(tokens))
        .values(lease_expires_at=_lease_end())
        .returning(Report.lease_token)
    )
    return {token for token in held.scalars() if token}


def finish(session: Session, token: str, result: dict[str, Any], pdf_key: str) -> None:
    """End the report as succeeded. Raises LeaseLost, or Cancelled when it was meanwhile."""
    report = _load_held(session, token)
    if report.cancel_requested_at:
        raise Cancelled
    report.result, report.pdf_key, report.progress = result, pdf_key, 1.0
    _end(report, Status.SUCCEEDED)


def fail(session: Session, token: str, code: str, message: str) -> None:
    """End the report as failed; the message is shown to callers. Raises LeaseLost."""
    _fail(_load_held(session, token), code, message)


def end_cancelled(session: Session, token: str) -> None:
    """End the report as cancelled. Raises LeaseLost."""
    _end(_load_held(session, token), Status.CANCELLED)


def release(session: Session, token: str, code: str, message: str) -> bool:
    """Give the report back after a run that came to nothing; whether it is queued again.

    With its attempts spent it has failed with this code and message. Raises LeaseLost.
    """
    return _give_back(_load_held(session, token), code, message)


def release_uncounted(session: Session, token: str) -> None:
    """Give the report back because this process stops: that is no fault of the report's."""
    report = _load_held(session, token)
    report.attempts -= 1
    _give_back(report, *WORKER_LOST)


def cancel(report: Report) -> None:
    """Cancel a queued report at once; ask the run of a running one to stop."""
    if report.status == Status.QUEUED:
        _end(report, Status.CANCELLED)
    elif report.cancel_requested_at is None:
        report.cancel_requested_at = now()


def retry(report: Report) -> None:
    """Queue an ended report as if it were new."""
    report.attempts, report.progress = 0, 0.0
    report.error_code = report.error_message = None
    report.started_at = report.finished_at = report.cancel_requested_at = None
    callbacks.forget(report)
    enqueue(report)


def give_back_lapsed(session: Session) -> Sequence[UUID]:
    """Queue again what a dead worker left, or fail it; which reports were queued."""
    lapsed = _lock(session, _lapsed(now()))
    return [report.id for report in lapsed if _give_back(report, *WORKER_LOST)]


def end_overdue(session: Session) -> Sequence[UUID]:
    """End what has not heeded its cancel or its deadline; which reports were ended."""
    at = now()
    limit = at - _seconds(OVERDUE_GRACE_SECONDS)
    # One whose lease ran out is not overdue: nobody is there to heed anything.
    running = and_(Report.status == Status.RUNNING, Report.lease_expires_at >= at)
    uncancelled = _lock(session, and_(running, Report.cancel_requested_at < limit))
    for report in uncancelled:
        _end(report, Status.CANCELLED)
    session.flush()
    overdue = _lock(session, and_(running, Report.deadline_at < limit))
    for report in overdue:
        _fail(report, *DEADLINE_EXCEEDED)
    return [report.id for report in (*uncancelled, *overdue)]


def take_unrung(session: Session, *, everything: bool) -> Sequence[UUID]:
    """Queued reports whose doorbell is due again (or all of them), each given to one caller only.

    The interval doubles as a report waits, up to a limit: a long queue does not fill with its own
    echoes, and one that was lost is not forgotten either.
    """
    at, again = now(), get_settings().ring_again_seconds
    due = Report.status == Status.QUEUED
    reports = _lock(session, due if everything else and_(due, Report.ring_at < at))
    for report in reports:
        waited = (at - report.queued_at).total_seconds()
        report.ring_at = at + _seconds(min(max(waited, again), MOST_RING_INTERVALS * again))
    return [report.id for report in sorted(reports, key=lambda report: report.queued_at)]


def expired(session: Session) -> Sequence[UUID]:
    """Ended reports older than the retention."""
    return session.execute(select(Report.id).where(_expired()).limit(100)).scalars().all()


def is_expired(session: Session, report_id: UUID) -> bool:
    """Whether the report has ended and is older than the retention, still."""
    found = select(Report.id).where(Report.id == report_id, _expired())
    return session.scalar(found) is not None


def delete_expired(session: Session, report_id: UUID) -> None:
    """Delete a report, unless somebody has asked for it again meanwhile."""
    session.execute(delete(Report).where(Report.id == report_id, _expired()))


def _seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def _lease_end() -> datetime:
    return now() + _seconds(get_settings().job_lease_seconds)


def _lapsed(at: datetime) -> ColumnElement[bool]:
    return and_(Report.status == Status.RUNNING, Report.lease_expires_at < at)


def _expired() -> ColumnElement[bool]:
    limit = now() - timedelta(days=get_settings().retention_days)
    told = or_(Report.callback_next_at.is_(None), Report.finished_at < now() - GIVE_UP_AFTER)
    return and_(Report.status.in_(ENDED), Report.finished_at < limit, told)


def _held(token: str) -> ColumnElement[bool]:
    return and_(Report.status == Status.RUNNING, Report.lease_token == token)


def _update() -> Update:
    # Each session is one transaction's: it holds nothing that would have to be kept in step.
    return update(Report).execution_options(synchronize_session=False)


def _lock(session: Session, condition: ColumnElement[bool]) -> Sequence[Report]:
    """The rows, locked; those that another transaction holds are its own business."""
    rows = select(Report).where(condition).with_for_update(skip_locked=True)
    return session.execute(rows).scalars().all()


def _load_held(session: Session, token: str) -> Report:
    row = select(Report).where(_held(token)).with_for_update()
    report = session.execute(row).scalar_one_or_none()
    if report is None:
        raise LeaseLost
    return report


def _give_back(report: Report, code: str, message: str) -> bool:
    if report.cancel_requested_at:
        _end(report, Status.CANCELLED)
    elif report.attempts >= get_settings().job_max_attempts:
        _fail(report, code, message)
    else:
        enqueue(report)
    return report.status == Status.QUEUED


def _fail(report: Report, code: str, message: str) -> None:
    report.error_code, report.error_message = code, message
    _end(report, Status.FAILED)


def _end(report: Report, status: Status) -> None:
    ran_since = report.started_at if report.status == Status.RUNNING else None
    report.status, report.finished_at = status, (at := now())
    report.lease_expires_at = report.deadline_at = None
    callbacks.set_due(report)
    if ran_since and (session := object_session(report)):
        tallies.count_end(session, report, at - ran_since)

"""Callbacks: a signed POST tells whoever asked for a report that it has ended.

The row of the report says when to try next, from the transaction on that ends it. Every function
works in the caller's transaction.
"""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import Report, now
from app.schemas import ReportOut
from app.settings import get_settings

GIVE_UP_AFTER = timedelta(days=1)
LONGEST_WAIT_SECONDS = 3600.0
LEASE_FACTOR = 2  # times the timeout: until another sender may try what this one has begun


@dataclass(frozen=True)
class Delivery:
    """One try to tell of the end of a report."""

    report_id: UUID
    request_id: str | None
    url: str
    message_id: str  # the same in every try, another one when the report was run again
    body: str
    attempt: int
    ended_at: datetime


@dataclass(frozen=True)
class Outcome:
    """What came of a try: the status of the answer if there was one, and what is wrong."""

    status: int | None = None
    error: str | None = None
    retry_after_seconds: float = 0.0


def set_due(report: Report) -> None:
    """The report has ended: its callback, if one is wanted, is due."""
    report.callback_next_at = report.finished_at if report.callback_url else None


def forget(report: Report) -> None:
    """The report is run again: its next end is another one to tell of."""
    report.callback_attempts = 0
    report.callback_next_at = report.callback_status = report.callback_error = None


def take_due(session: Session, limit: int) -> Sequence[Delivery]:
    """The tries that are due, at most so many, each given to one caller only."""
    lease = timedelta(seconds=LEASE_FACTOR * get_settings().callback_timeout_seconds)
    due = (
        select(Report)
        .where(Report.callback_next_at <= now())
        .order_by(Report.callback_next_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    reports = session.execute(due).scalars().all()
    for report in reports:
        report.callback_attempts += 1
        report.callback_next_at = now() + lease
    return [
        _delivery(report, report.callback_url, report.finished_at)
        for report in reports
        if report.callback_url and report.finished_at
    ]


def note(session: Session, delivery: Delivery, outcome: Outcome) -> None:
    """Write down what came of a try, unless another one has begun or the report runs again."""
    this_try = (
        Report.id == delivery.report_id,
        Report.callback_attempts == delivery.attempt,
        Report.finished_at == delivery.ended_at,
    )
    report = session.scalar(select(Report).where(*this_try).with_for_update())
    if report:
        report.callback_status, report.callback_error = outcome.status, outcome.error
        report.callback_next_at = _next_try(delivery, outcome)


def _delivery(report: Report, url: str, ended_at: datetime) -> Delivery:
    return Delivery(
        report_id=report.id,
        request_id=report.request_id,
        url=url,
        message_id=f"{report.id}-{round(ended_at.timestamp() * 1000)}",
        body=_body(report, ended_at),
        attempt=report.callback_attempts,
        ended_at=ended_at,
    )


def _body(report: Report, ended_at: datetime) -> str:
    """The message, the same in every try. The result is left out, for it may be long."""
    data = ReportOut.of(report).model_dump(mode="json", exclude={"result", "callback", "version"})
    kind = f"report.{report.status}"
    return json.dumps({"type": kind, "timestamp": ended_at.isoformat(), "data": data})


def _next_try(delivery: Delivery, outcome: Outcome) -> datetime | None:
    """When to try again: after a wait that doubles and varies; never when it is of no use."""
    if outcome.error is None or outcome.status == HTTPStatus.GONE:
        return None
    doubled = get_settings().callback_retry_seconds * 2.0 ** min(delivery.attempt - 1, 30)
    wait = min(max(doubled, outcome.retry_after_seconds), LONGEST_WAIT_SECONDS)
    at = now() + timedelta(seconds=wait * random.uniform(1, 1.5))  # noqa: S311 (no secret)
    return at if at < delivery.ended_at + GIVE_UP_AFTER else None

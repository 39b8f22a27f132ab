"""When a callback is tried, and when no more; on a real database."""

from collections.abc import Sequence
from datetime import timedelta
from email.utils import format_datetime
from http import HTTPStatus
from uuid import UUID

import httpcore2
import pytest

from app import callbacks, jobs
from app.callback_sender import judge
from app.callbacks import Delivery, Outcome
from app.database import reading, transact
from app.models import Report, now
from app.schemas import CallbackOut, CallbackStatus
from app.settings import get_settings
from unit.rows import change, load

FAILED = Outcome(HTTPStatus.INTERNAL_SERVER_ERROR, "answered 500")


@pytest.fixture
def ended(report: Report) -> Report:
    """A report that has just ended, and whose callback is due."""
    change(report, callback_url="https://example.org/")
    transact(lambda session: jobs.cancel(session.get_one(Report, report.id)))
    return report


def take() -> Delivery:
    (delivery,) = transact(callbacks.take_due, 10)
    return delivery


def status(report: Report) -> CallbackStatus:
    found = CallbackOut.of(load(report))
    assert found is not None
    return found.status


def test_a_try_is_given_to_one_sender_until_its_lease_has_run_out(ended: Report) -> None:
    first = take()
    assert transact(callbacks.take_due, 10) == []
    lease = load(ended).callback_next_at
    assert lease is not None
    assert lease > now() + timedelta(seconds=get_settings().callback_timeout_seconds)
    change(ended, callback_next_at=now())
    second = take()
    assert (second.attempt, second.message_id) == (2, first.message_id)


def test_a_sender_that_lost_its_lease_writes_nothing(ended: Report) -> None:
    first = take()
    change(ended, callback_next_at=now())
    take()
    transact(callbacks.note, first, Outcome(200))
    assert status(ended) == CallbackStatus.DUE


def test_what_was_sent_before_a_retry_is_not_noted_after_it(ended: Report) -> None:
    first = take()
    transact(lambda session: jobs.retry(session.get_one(Report, ended.id)))
    transact(callbacks.note, first, Outcome(200))
    assert status(ended) == CallbackStatus.WAITING
    transact(lambda session: jobs.cancel(session.get_one(Report, ended.id)))
    second = take()
    assert (second.attempt, second.message_id != first.message_id) == (1, True)
    transact(callbacks.note, first, Outcome(200))
    assert status(ended) == CallbackStatus.DUE


def test_the_waits_double_up_to_an_hour_for_a_day(ended: Report) -> None:
    waits = []
    while status(ended) == CallbackStatus.DUE:
        change(ended, callback_next_at=now())
        transact(callbacks.note, take(), FAILED)
        if at := load(ended).callback_next_at:
            waits.append((at - now()).total_seconds())
            shift = now() - at  # as if so much time had passed
            change(ended, finished_at=load(ended).finished_at + shift)  # type: ignore[operator]
    assert status(ended) == CallbackStatus.GIVEN_UP
    for attempt, wait in enumerate(waits):
        expected = min(5 * 2**attempt, 3600)
        assert 0.95 * expected <= wait <= 1.5 * expected
    assert 86_400 - 5400 <= sum(waits) <= 86_400


def test_gone_is_the_end_of_it(ended: Report) -> None:
    transact(callbacks.note, take(), Outcome(HTTPStatus.GONE, "answered 410"))
    assert status(ended) == CallbackStatus.GIVEN_UP


@pytest.mark.parametrize(("asked", "least", "most"), [(600, 600, 900), (10**9, 3600, 5400)])
def test_retry_after_is_heeded_within_limits(
    ended: Report, asked: float, least: float, most: float
) -> None:
    transact(callbacks.note, take(), Outcome(503, "answered 503", asked))
    at = load(ended).callback_next_at
    assert at is not None
    assert least - 5 <= (at - now()).total_seconds() <= most


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("120", 120),
        ("soon", 0),
        ("-5", 0),
        ("9" * 400, 3600),
    ],
)
def test_retry_after_may_be_a_number(ended: Report, given: str, seconds: float) -> None:
    assert_heeded(ended, given, seconds)


@pytest.mark.parametrize(("hours", "seconds"), [(1, 3600), (-1, 0)])
def test_retry_after_may_be_a_time(ended: Report, hours: int, seconds: float) -> None:
    assert_heeded(ended, format_datetime(now() + timedelta(hours=hours), usegmt=True), seconds)


def assert_heeded(ended: Report, given: str, seconds: float) -> None:
    answer = httpcore2.Response(503, headers=[("retry-after", given)])
    transact(callbacks.note, take(), judge(answer))
    at = load(ended).callback_next_at
    assert at is not None
    least = max(seconds, get_settings().callback_retry_seconds)
    assert 0.9 * least - 60 <= (at - now()).total_seconds() <= 1.5 * least


def test_a_report_is_not_deleted_before_its_end_is_told(
    ended: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETENTION_DAYS", "0.01")
    get_settings.cache_clear()
    delivery = take()
    change(ended, finished_at=now() - timedelta(hours=1))
    assert expired() == []
    change(ended, finished_at=now() - timedelta(days=2))  # nobody tries any more
    assert expired() == [ended.id]
    change(ended, finished_at=delivery.ended_at)
    transact(callbacks.note, delivery, Outcome(200))
    change(ended, finished_at=now() - timedelta(hours=1))
    assert expired() == [ended.id]


def expired() -> Sequence[UUID]:
    with reading() as session:
        return jobs.expired(session)

"""When a callback is tried, and when no more; on a real database."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

import httpcore2
import pytest

from app.offload.callbacks import post, retries
from app.offload.callbacks.post import judge
from app.offload.callbacks.retries import Delivery, Outcome
from app.offload.database.clock import now_
from app.offload.database.engines import read, transact
from app.offload.queue import ends
from app.offload.settings import get_settings
from offload.callbacks.rows import callback, change_callback, change_job, job

FAILED = Outcome(HTTPStatus.INTERNAL_SERVER_ERROR, "answered 500")


def now() -> datetime:
    return datetime.now(UTC)


def found() -> list[UUID]:
    return [each.job_id for each in read(retries.find_due)]


def take() -> Delivery:
    (delivery,) = transact(retries.take, found())
    return delivery


def wait_of(job_id: UUID) -> float:
    """The seconds until the next try."""
    at = callback(job_id).next_at
    assert at is not None
    return float((at - now()).total_seconds())


def test_a_try_is_given_to_one_sender_until_its_lease_has_run_out(ended: UUID) -> None:
    chosen = found()
    (first,) = transact(retries.take, chosen)
    assert transact(retries.take, chosen) == []  # another sender had found it, too
    assert found() == []
    assert wait_of(ended) > get_settings().callback_timeout_seconds
    change_callback(ended, next_at=now_())
    second = take()
    assert (second.attempt, second.message_id) == (2, first.message_id)


def test_a_try_of_one_callback_leaves_the_others_as_they_are(
    ended: UUID, end_job: Callable[[str], UUID]
) -> None:
    other = end_job("https://example.org/other")
    before = callback(other)
    (delivery,) = transact(retries.take, [ended])
    assert (delivery.job_id, delivery.url) == (ended, "https://example.org/hook")
    sent = read(retries.body, delivery, lambda _, row: {"id": str(row.id)})
    assert sent is not None
    assert json.loads(sent)["data"] == {"id": str(ended)}
    transact(retries.note, delivery, Outcome(204))
    transact(ends.retry, ended)
    assert callback(other) == before


def test_a_retry_forgets_what_came_of_the_tries(ended: UUID) -> None:
    transact(retries.note, take(), FAILED)
    assert (callback(ended).last_status, callback(ended).last_error) == (500, "answered 500")
    transact(ends.retry, ended)
    now_is = callback(ended)
    assert (now_is.attempts, now_is.next_at) == (0, None)
    assert (now_is.last_status, now_is.last_error) == (None, None)
    change_callback(ended, next_at=now_())
    assert transact(retries.take, [ended]) == []  # it has not ended


def test_a_sender_that_lost_its_lease_writes_nothing(ended: UUID) -> None:
    first = take()
    change_callback(ended, next_at=now_())
    take()
    transact(retries.note, first, Outcome(200))
    assert callback(ended).next_at is not None
    assert callback(ended).last_status is None


def test_what_was_sent_before_a_retry_is_not_noted_after_it(ended: UUID) -> None:
    first = take()
    transact(ends.retry, ended)
    transact(retries.note, first, Outcome(200))
    assert (callback(ended).attempts, callback(ended).last_status) == (0, None)
    assert read(retries.body, first, lambda *_: {}) is None
    transact(ends.cancel, ended)
    second = take()
    assert (second.attempt, second.message_id != first.message_id) == (1, True)
    transact(retries.note, first, Outcome(200))
    assert callback(ended).last_status is None


def test_the_waits_double_up_to_an_hour_for_a_day(ended: UUID) -> None:
    waits: list[float] = []
    while at := callback(ended).next_at:
        shift = now() - at  # as if so much time had passed
        change_job(ended, finished_at=job(ended).finished_at + shift)
        change_callback(ended, next_at=now_())
        transact(retries.note, take(), FAILED)
        if callback(ended).next_at:
            waits.append(wait_of(ended))
    for attempt, wait in enumerate(waits):
        expected = min(5 * 2**attempt, 3600)
        assert 0.95 * expected <= wait <= 1.5 * expected
    assert 86_400 - 5400 <= sum(waits) <= 86_400
    assert found() == []


def test_what_is_told_or_gone_is_tried_no_more(ended: UUID, end_job: Callable[[str], UUID]) -> None:
    transact(retries.note, take(), Outcome(204))
    assert (callback(ended).next_at, callback(ended).last_error) == (None, None)
    gone = end_job("https://example.org/")
    transact(retries.note, take(), Outcome(HTTPStatus.GONE, "answered 410"))
    assert (callback(gone).next_at, callback(gone).last_status) == (None, 410)


@pytest.mark.parametrize(
    ("given", "seconds"),
    [("120", 120), ("soon", 0), ("-5", 0), ("9" * 400, 3600), ("", 0)],
)
def test_retry_after_may_be_a_number(ended: UUID, given: str, seconds: float) -> None:
    assert_heeded(ended, given, seconds)


@pytest.mark.parametrize(("hours", "seconds"), [(0.9, 3240), (-1, 0)])
def test_retry_after_may_be_a_time(ended: UUID, hours: float, seconds: float) -> None:
    assert_heeded(ended, format_datetime(now() + timedelta(hours=hours), usegmt=True), seconds)


@pytest.mark.parametrize("zone", [timezone(timedelta(hours=5)), None])
def test_retry_after_may_be_a_time_of_any_zone(ended: UUID, zone: timezone | None) -> None:
    at = now() + timedelta(hours=0.9)
    at = at.astimezone(zone) if zone else at.replace(tzinfo=None)  # written -0000
    assert_heeded(ended, format_datetime(at), 3240)


@pytest.mark.parametrize(
    ("status", "error", "wait"),
    [
        (200, None, 0),
        (299, None, 0),
        (300, "redirects are not followed", 0),
        (399, "redirects are not followed", 0),
        (400, "answered 400", 0),
        (429, "answered 429", 120),
        (500, "answered 500", 0),
        (503, "answered 503", 120),
    ],
)
def test_an_answer_is_judged_by_its_status(status: int, error: str | None, wait: float) -> None:
    answer = httpcore2.Response(status, headers=[("Retry-After", "120")])
    assert judge(answer) == Outcome(status, error, wait)


def test_connecting_may_take_as_long_as_the_whole_try(ended: UUID) -> None:
    given: list[tuple[Any, ...]] = []

    class Unreachable(httpcore2.AnyIOBackend):
        async def connect_tcp(self, *_: Any, **options: Any) -> Any:
            given.append((options["host"], options["port"], options["timeout"]))
            raise httpcore2.ConnectError

    async def connect() -> Outcome:
        async with httpcore2.AsyncConnectionPool(network_backend=Unreachable()) as pool:
            return await post.post(pool, take(), "{}")

    assert asyncio.run(connect()) == Outcome(error="no answer (ConnectError)")
    assert given == [("example.org", 443, get_settings().callback_timeout_seconds)]


@pytest.mark.parametrize("headers", [[], [("Retry-After", "soon")]])
def test_an_answer_that_names_no_time_asks_for_no_wait(headers: list[tuple[str, str]]) -> None:
    answer = httpcore2.Response(503, headers=headers)
    assert judge(answer) == Outcome(503, "answered 503", 0.0)


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://example.org", b"/"),
        ("https://example.org?a=b", b"/?a=b"),
        ("https://example.org/hook", b"/hook"),
        ("https://example.org/hook;a?b=c;d", b"/hook;a?b=c;d"),
    ],
)
def test_the_whole_path_is_asked_for(url: str, target: bytes) -> None:
    assert post._parsed(url).target == target


def assert_heeded(ended: UUID, given: str, seconds: float) -> None:
    answer = httpcore2.Response(503, headers=[("retry-after", given)])
    transact(retries.note, take(), judge(answer))
    least = max(seconds, get_settings().callback_retry_seconds)
    assert 0.9 * least - 60 <= wait_of(ended) <= 1.5 * least


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://example.org/a/b?c=//d", "https://example.org"),
        ("http://example.org:8080/", "http://example.org:8080"),
        ("http://h/", "http://h"),
        ("https://[2001:db8::1]:81/x", "https://[2001:db8::1]:81"),
    ],
)
def test_the_receiver_is_known_by_scheme_host_and_port(
    end_job: Callable[[str], UUID], url: str, origin: str
) -> None:
    end_job(url)
    assert [each.origin for each in read(retries.find_due)] == [origin]
    assert take().origin == origin


def test_no_receiver_s_many_stand_before_another_one_s_first(
    end_job: Callable[[str], UUID],
) -> None:
    many = [end_job("https://many.example/") for _ in range(9)]
    one = end_job("https://one.example/")
    assert found() == [many[0], one, *many[1 : get_settings().callback_per_host]]
    change_callback(one, next_at=now() - timedelta(minutes=2))
    change_callback(many[-1], next_at=now() - timedelta(minutes=1))
    assert found()[:3] == [one, many[-1], many[0]]

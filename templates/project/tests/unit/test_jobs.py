"""The row's life, on a real database."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app import janitor, jobs, storage
from app.database import reading, transact
from app.errors import LeaseLost, TransientError
from app.models import Dataset, Report, Status, now
from app.settings import get_settings
from unit.rows import add_report, change, load

HOUR = timedelta(hours=1)


def claim(report: Report, token: str) -> Report | None:
    return transact(jobs.claim, report.id, token)


def test_a_report_is_claimed_once(report: Report) -> None:
    assert claim(report, "a") is not None
    assert claim(report, "b") is None
    row = load(report)
    assert (row.status, row.attempts, row.lease_token) == (Status.RUNNING, 1, "a")


def test_a_claim_whose_answer_was_lost_is_the_run_s_own(report: Report) -> None:
    answers = [OperationalError("COMMIT", {}, Exception("the connection is lost"))]

    def commit(session: Session) -> None:
        if answers:
            raise answers.pop()

    event.listen(Session, "after_commit", commit)
    taken = claim(report, "a")
    event.remove(Session, "after_commit", commit)
    assert taken is not None and taken.attempts == 1
    assert load(report).attempts == 1
    assert claim(report, "b") is None


def test_a_lapsed_lease_is_taken_over_when_the_report_has_been_given_back(report: Report) -> None:
    claim(report, "a")
    change(report, lease_expires_at=now() - HOUR)
    assert claim(report, "b") is None  # a second message, while the run may still be alive
    assert transact(jobs.give_back_lapsed) == [report.id]
    taken = claim(report, "b")
    assert taken is not None and taken.attempts == 2


def test_a_run_that_lost_its_lease_can_write_nothing(report: Report) -> None:
    claim(report, "a")
    change(report, lease_expires_at=now() - HOUR)
    transact(jobs.give_back_lapsed)
    claim(report, "b")
    before = load(report)
    for write in (
        lambda: transact(jobs.beat, "a", 0.5),
        lambda: transact(jobs.finish, "a", {}, "key"),
        lambda: transact(jobs.fail, "a", "code", "message"),
        lambda: transact(jobs.end_cancelled, "a"),
        lambda: transact(jobs.release, "a", "code", "message"),
        lambda: transact(jobs.release_uncounted, "a"),
    ):
        with pytest.raises(LeaseLost):
            write()
    after = load(report)
    assert (after.status, after.lease_token) == (Status.RUNNING, "b")
    assert after.lease_expires_at == before.lease_expires_at


def test_only_held_leases_are_renewed(report: Report) -> None:
    claim(report, "a")
    change(report, lease_expires_at=now() - HOUR)
    assert transact(jobs.renew, ["a", "z"]) == {"a"}
    expires = load(report).lease_expires_at
    assert expires is not None and expires > now()


def test_an_ended_report_is_not_claimed(report: Report) -> None:
    claim(report, "a")
    transact(jobs.finish, "a", {"mean": 1}, "key")
    assert claim(report, "b") is None
    assert load(report).result == {"mean": 1}


def test_a_report_is_given_back_until_its_attempts_are_spent(report: Report) -> None:
    for attempt in range(1, 4):
        taken = claim(report, f"t{attempt}")
        assert taken is not None and taken.attempts == attempt
        assert transact(jobs.release, f"t{attempt}", "code", "why") is (attempt < 3)
    row = load(report)
    assert (row.status, row.error_code, row.error_message) == (Status.FAILED, "code", "why")


def test_an_interrupted_run_does_not_count(report: Report) -> None:
    for attempt in range(5):
        assert claim(report, f"t{attempt}") is not None
        transact(jobs.release_uncounted, f"t{attempt}")
    row = load(report)
    assert (row.status, row.attempts) == (Status.QUEUED, 0)


def test_a_lost_report_whose_cancel_was_asked_for_is_not_run_again(report: Report) -> None:
    claim(report, "a")
    change(report, cancel_requested_at=now(), lease_expires_at=now() - HOUR)
    assert claim(report, "b") is None
    assert transact(jobs.give_back_lapsed) == []
    assert load(report).status == Status.CANCELLED


def test_what_does_not_heed_its_cancel_or_deadline_is_ended(dataset: Dataset) -> None:
    cancelled, overdue, fine = (add_report(dataset) for _ in range(3))
    for report, token in ((cancelled, "a"), (overdue, "b"), (fine, "c")):
        claim(report, token)
    change(cancelled, cancel_requested_at=now() - HOUR, deadline_at=now() - HOUR)
    change(overdue, deadline_at=now() - HOUR)
    change(fine, cancel_requested_at=now() + HOUR)  # there is still time to heed it
    transact(jobs.end_overdue)
    assert load(cancelled).status == Status.CANCELLED
    assert load(overdue).error_code == "deadline_exceeded"
    assert load(fine).status == Status.RUNNING


def test_a_queued_report_is_claimed_however_few_attempts_are_allowed_by_now(
    report: Report,
) -> None:
    change(report, attempts=7)
    assert claim(report, "a") is not None


def test_the_doorbell_rings_again_at_growing_intervals(report: Report) -> None:
    assert transact(jobs.take_unrung, everything=False) == [report.id]
    assert transact(jobs.take_unrung, everything=False) == []
    due, minute = now() - timedelta(seconds=1), timedelta(minutes=1)
    for waited, least, most in ((5 * minute, 4, 6), (24 * HOUR, 7, 9)):
        change(report, queued_at=now() - waited, ring_at=due)
        assert transact(jobs.take_unrung, everything=False) == [report.id]
        assert least * minute < load(report).ring_at - now() < most * minute
    assert transact(jobs.take_unrung, everything=True) == [report.id]


def test_an_expired_report_goes_with_every_pdf_of_its(report: Report) -> None:
    for token in ("lost", "a"):  # a run that died left one behind
        storage.save(report.id, token, b"%PDF")
    claim(report, "a")
    transact(jobs.finish, "a", {}, f"{report.id}/a.pdf")
    assert janitor.list_expired() == []
    janitor.expire(report.id)
    assert load(report).status == Status.SUCCEEDED
    change(report, finished_at=now() - timedelta(days=get_settings().retention_days + 1))
    assert janitor.list_expired() == [report.id]
    janitor.expire(report.id)
    with reading() as session:
        assert session.get(Report, report.id) is None
    assert storage.list_keys(report.id) == []


def test_an_expired_report_that_was_asked_for_again_stays(report: Report) -> None:
    change(report, status=Status.FAILED, finished_at=now() - timedelta(days=1000))
    with reading() as session:
        assert jobs.expired(session) == [report.id]
    transact(lambda session: jobs.retry(session.get_one(Report, report.id)))
    transact(jobs.delete_expired, report.id)
    assert load(report).status == Status.QUEUED


@pytest.mark.parametrize("when", ["before", "after"])
def test_the_pdf_of_a_report_that_was_run_again_meanwhile_stays(
    report: Report, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    change(report, status=Status.FAILED, finished_at=now() - timedelta(days=1000))
    lost = storage.save(report.id, "lost", b"%PDF")

    def run_again() -> None:
        transact(lambda session: jobs.retry(session.get_one(Report, report.id)))
        claim(report, "a")
        transact(jobs.finish, "a", {}, storage.save(report.id, "a", b"%PDF"))

    def list_keys_meanwhile(report_id: UUID) -> list[str]:
        if when == "before":
            run_again()
        keys = list_keys(report_id)
        if when == "after":
            run_again()
        return keys

    list_keys = storage.list_keys
    monkeypatch.setattr(storage, "list_keys", list_keys_meanwhile)
    janitor.expire(report.id)
    assert load(report).pdf_key in set(list_keys(report.id)) - {lost}


def test_a_report_whose_pdf_could_not_be_deleted_is_found_again(
    report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.save(report.id, "a", b"%PDF")
    change(report, status=Status.FAILED, finished_at=now() - timedelta(days=1000))

    def delete(_: object) -> None:
        raise TransientError("the store is away")

    with monkeypatch.context() as away:
        away.setattr(storage, "delete", delete)
        janitor.expire(report.id)
    assert janitor.list_expired() == [report.id]
    janitor.expire(report.id)
    assert janitor.list_expired() == []
    assert storage.list_keys(report.id) == []

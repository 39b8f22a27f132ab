"""Which job a runner takes, and that each is taken once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from uuid import UUID

import pytest
from sqlalchemy import Connection, text

from app.offload.database.engines import read, transact
from app.offload.database.tables import Status
from app.offload.queue import claim, ends
from app.offload.running import runner
from app.offload.running.heartbeat import Watcher
from app.offload.settings import get_settings
from offload.rows.making import (
    ON_SERVER,
    OTHER,
    WriteJobs,
    add,
    change,
    fill,
    lease,
    lose_the_next_answer_of_commit,
    now,
    row,
    running,
    take,
)

CLAIMERS, JOBS = 4, 200

KIND = """
from app.offload import Kind
from pydantic import BaseModel

class Nothing(BaseModel):
    pass

KIND = Kind({name!r}, Nothing, Nothing, queue={queue!r})
"""

pytestmark = pytest.mark.usefixtures("database")


def place(*queues: str) -> runner.Workplace:
    """Where jobs are claimed, and nothing runs."""
    watcher = Watcher.__new__(Watcher)  # no thread: nothing is watched
    return runner.Workplace(queues, "host:1", watcher, lambda: False, lambda: False)


def test_the_highest_priority_then_the_longest_due_then_the_oldest_is_first() -> None:
    at = now() - timedelta(minutes=1)
    ids = [add() for _ in range(5)]
    for job_id, priority, minutes in zip(ids, (0, 0, 0, 7, -1), (0, -5, 0, 0, -60), strict=True):
        change(job_id, priority=priority, run_at=at + timedelta(minutes=minutes))
    taken = [claimed.id for _ in ids if (claimed := take())]
    assert taken == [ids[3], ids[1], ids[0], ids[2], ids[4]]
    assert take() is None


def test_a_claim_says_who_runs_it_until_when() -> None:
    job_id = add()
    claimed = take("token-1", worker="host:42")
    assert claimed is not None
    assert (claimed.id, claimed.status, claimed.attempts) == (job_id, Status.RUNNING, 1)
    assert (claimed.lease_token, claimed.worker, claimed.progress) == ("token-1", "host:42", 0.0)
    length = timedelta(seconds=get_settings().job_lease_seconds)
    assert timedelta() <= now() + length - claimed.lease_expires_at < length
    assert claimed.lease_seconds == length.total_seconds()
    assert timedelta() <= now() - claimed.started_at < length
    assert isinstance(claimed.status, Status)


def test_nothing_is_taken_of_another_queue_or_of_a_kind_that_is_not_known_here() -> None:
    add(OTHER)
    assert take() is None
    assert take(queue="elsewhere", kinds=("other",)) is None
    assert take(kinds=("probe", "other")) is not None


def test_what_is_not_due_or_has_begun_or_ended_is_not_taken() -> None:
    job_id = add()
    for status in set(Status) - {Status.QUEUED}:
        change(job_id, status=status)
        assert take() is None
    change(job_id, status=Status.QUEUED)
    assert take() is not None


def test_queue_after_queue_is_asked_in_their_order(write_jobs: WriteJobs) -> None:
    write_jobs(
        {
            f"{name}/kind.py": KIND.format(name=name, queue=queue)
            for name, queue in (("quick", "quick"), ("slow", "slow"), ("third", "third"))
        }
    )
    for name, queue in (("slow", "slow"), ("quick", "quick"), ("third", "third")):
        change(add(), kind=name, queue=queue, priority=9 if queue == "slow" else 0)
    claimed = [
        found.queue if (found := runner._claim(f"t-{n}", place("quick", "slow"), queues)) else None
        for n, queues in enumerate([("quick", "slow")] * 3)
    ]
    assert claimed == ["quick", "slow", None]


def test_four_that_claim_at_once_take_each_job_once() -> None:
    fill(JOBS, Status.QUEUED)
    begin = Barrier(CLAIMERS)

    def claim_all(claimer: int) -> list[UUID]:
        begin.wait()
        taken = []
        while claimed := take(f"claimer-{claimer}-{len(taken)}"):
            taken.append(claimed.id)
        return taken

    with ThreadPoolExecutor(CLAIMERS) as threads:
        taken = [job_id for ids in threads.map(claim_all, range(CLAIMERS)) for job_id in ids]
    assert len(taken) == JOBS
    assert len(set(taken)) == JOBS
    assert {row(job_id).attempts for job_id in taken[:10]} == {1}


@pytest.mark.skipif(not ON_SERVER, reason="SQLite lets one write at a time")
def test_a_row_that_another_one_is_claiming_is_passed_over() -> None:
    first, second = add(), add()

    def claim_beside(connection: Connection) -> tuple[UUID, UUID]:
        mine = claim.claim_next(
            connection, queue="default", kinds=("probe",), token="mine", worker="host:1"
        )
        theirs = take()  # would wait for the lock_timeout
        assert mine is not None
        assert theirs is not None
        return mine.id, theirs.id

    assert transact(claim_beside) == (first, second)


def test_a_claim_whose_answer_was_lost_holds_one_job(
    write_jobs: WriteJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_jobs({"probe/kind.py": KIND.format(name="probe", queue="default")})
    waiting = {add(), add()}
    lose_the_next_answer_of_commit(monkeypatch.setattr)
    claimed = runner._claim("token-lost", place("default"), ("default",))
    assert claimed is not None
    assert claimed.attempts == 1
    [other] = waiting - {claimed.id}
    assert row(other).status == Status.QUEUED


def test_a_job_is_held_while_it_runs_under_the_token() -> None:
    job_id = add()
    take("token-held")
    held = read(claim.find_held, "token-held")
    assert held is not None
    assert held.id == job_id
    assert read(claim.find_held, "token-hel") is None
    change(job_id, status=Status.FAILED)
    assert read(claim.find_held, "token-held") is None


def test_leases_are_renewed_by_what_their_tokens_begin_with() -> None:
    for _ in range(3):
        add()
    ids = [claimed.id for token in ("a-1", "a-2", "ab-1") if (claimed := take(token))]
    soon = now() + timedelta(seconds=1)
    for job_id in ids:
        change(job_id, lease_expires_at=soon)
    over = running("a-3")
    transact(ends.succeed, lease(over), {})
    transact(claim.renew, "a-")
    assert [row(job_id).lease_expires_at > soon for job_id in ids] == [True, True, False]
    assert [found.lease_token for found in read(claim.watched, "a-")] == ["a-1", "a-2"]
    assert len(transact(claim.locked, "a-")) == 2


@pytest.mark.parametrize(("left", "is_renewed"), [(0.95, False), (0.85, True)])
def test_a_lease_of_which_most_is_left_is_not_written_again(left: float, is_renewed: bool) -> None:
    job = running("token-fresh")
    change(job.id, lease_expires_at=job.lease_expires_at - timedelta(seconds=(1 - left) * 60))
    before = row(job.id).lease_expires_at
    transact(claim.renew, "token-fresh")
    assert (row(job.id).lease_expires_at > before) is is_renewed


def test_progress_is_written_where_the_token_runs_and_nowhere_else() -> None:
    job, other, over = running("token-1"), running("token-2"), running("token-3")
    transact(ends.fail, lease(over), ends.WORK_FAILED)
    for token in ("token-1", "token-3"):
        transact(claim.note_progress, token, 0.5)
    written = row(job.id)
    assert (written.progress, written.version) == (0.5, job.version + 1)
    assert (row(other.id).progress, row(over.id).progress) == (0.0, 0.0)


@pytest.mark.skipif(not ON_SERVER, reason="not run: SQLite compares text by its bytes anyway")
def test_tokens_are_compared_by_their_bytes_in_a_database_of_any_language() -> None:
    ordered_by = text(
        "SELECT collation_name FROM information_schema.columns"
        " WHERE table_schema = 'offload' AND column_name = 'lease_token'"
    )
    assert read(lambda connection: connection.execute(ordered_by).scalars().all()) == ["C"]

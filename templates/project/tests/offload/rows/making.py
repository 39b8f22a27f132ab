"""Jobs as the tests need them: asked for, claimed, ended, and changed as time would."""

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Connection, Row, func, select, text, update

from app.offload.database.engines import get_engine, read, transact
from app.offload.database.tables import Status, artifacts, jobs
from app.offload.kinds import Kind
from app.offload.queue import claim, ends, submit

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
ON_SERVER = "postgresql" in os.environ.get("DATABASE_URL", "")
WriteJobs = Callable[[Mapping[str, str]], None]

FOR_POSTGRESQL = "offload.offload_jobs", "gen_random_uuid()", "generate_series(1, {})"
FOR_SQLITE = (
    "offload_jobs",
    "lower(hex(randomblob(16)))",
    "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {})"
    " SELECT i FROM n)",
)

_numbers = count()


class Params(BaseModel):
    """What a job of the probe takes."""

    number: int = 0


class Result(BaseModel):
    """What it gives."""

    number: int = 0


PROBE = Kind("probe", Params, Result, retry_seconds=5)
OTHER = Kind("other", Params, Result)


def lease(job: Row[Any]) -> ends.Lease:
    """Under which the job runs or ran; of one that never did: somebody's."""
    return ends.Lease(job.id, job.lease_token or "token-of-nobody")


def now() -> datetime:
    """The time; the database's, for it is on this machine."""
    return datetime.now(UTC)


def add(kind: Kind[Any, Any] = PROBE, **options: Any) -> UUID:
    """A job that was asked for."""
    found = transact(submit.insert, submit.NewJob(kind=kind, params={"number": 1}, **options))
    assert found is not None
    return found


def take(
    token: str | None = None,
    queue: str = "default",
    kinds: tuple[str, ...] = ("probe",),
    worker: str = "host:1",
) -> Row[Any] | None:
    """Claim the next job, under a token of its own."""
    token = token or f"claim-{next(_numbers)}"
    return transact(claim.claim_next, queue=queue, kinds=kinds, token=token, worker=worker)


def running(token: str | None = None, **changes: Any) -> Row[Any]:
    """A job that runs, as its row is."""
    job_id = add()
    change(job_id, priority=1000)
    claimed = take(token)
    assert claimed is not None
    assert claimed.id == job_id
    if changes:
        change(job_id, **changes)
    return row(job_id)


def in_status(status: Status) -> Row[Any]:
    """A job that stands there; its token, if it has one, is in the row."""
    if status in (Status.QUEUED, Status.DELAYED):
        later = now() + timedelta(hours=1) if status == Status.DELAYED else None
        return row(add(run_at=later))
    job = running()
    if status == Status.SUCCEEDED:
        transact(ends.succeed, lease(job), {"number": 1})
    elif status == Status.FAILED:
        transact(ends.fail, lease(job), ends.WORK_FAILED)
    elif status == Status.CANCELLED:
        transact(ends.end_cancelled, lease(job))
    return row(job.id)


def row(job_id: UUID) -> Row[Any]:
    """The job."""
    return read(_one, job_id)


def kept(job_id: UUID) -> list[str]:
    """The names of its artifacts."""
    found = select(artifacts.c.name).where(artifacts.c.job_id == job_id)
    return list(read(lambda connection: connection.execute(found).scalars().all()))


def change(job_id: UUID, **values: Any) -> None:
    """Set columns of a job."""
    statement = update(jobs).where(jobs.c.id == job_id).values(**values)
    transact(lambda connection: connection.execute(statement))


def number_of_jobs() -> int:
    """How many jobs there are, as another connection sees it."""
    counted = select(func.count()).select_from(jobs)
    return read(lambda connection: connection.execute(counted).scalar_one())


def fill(number: int, status: Status, *, finished_at: datetime | None = None) -> None:
    """Add so many jobs at once, in one statement."""
    on_sqlite = get_engine().dialect.name == "sqlite"
    table, new_id, series = FOR_SQLITE if on_sqlite else FOR_POSTGRESQL
    statement = text(
        f"INSERT INTO {table} (id, kind, queue, priority, params, inputs, has_callback, created_at,"
        " version, status, run_at, progress, attempts, max_attempts, retry_seconds,"
        " deadline_seconds, history, finished_at)"
        f" SELECT {new_id}, 'probe', 'default', 0, '{{}}', '{{}}', :no, :at, 1, :status, :at, 0,"
        f" :attempts, 3, 5, 60, '[]', :finished_at FROM {series.format(number)}"
    ).bindparams(
        no=False,
        at=_stored(now()),
        status=str(status),
        attempts=1 if finished_at else 0,
        finished_at=finished_at and _stored(finished_at),
    )
    transact(lambda connection: connection.execute(statement))


def _stored(at: datetime) -> Any:
    """As the table holds it: SQLite has text."""
    on_sqlite = get_engine().dialect.name == "sqlite"
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}" if on_sqlite else at


def _one(connection: Connection, job_id: UUID) -> Row[Any]:
    return connection.execute(select(jobs).where(jobs.c.id == job_id)).one()


def lose_the_next_answer_of_commit(replace: Callable[[object, str, object], None]) -> None:
    """The next COMMIT is done, and its answer is lost with its connection; `replace` is setattr."""
    dialect = get_engine().dialect
    commit = dialect.do_commit

    def do_commit(connection: Any) -> None:
        replace(dialect, "do_commit", commit)
        commit(connection)
        connection.driver_connection.close()
        error = dialect.loaded_dbapi.OperationalError("the answer was lost")
        if dialect.name == "sqlite":
            error.sqlite_errorcode = 10  # SQLITE_IOERR; PostgreSQL has no code for nobody's answer
        raise error

    replace(dialect, "do_commit", do_commit)

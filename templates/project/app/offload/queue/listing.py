"""Jobs as they are looked at: one, a page of them, what is current."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, select

from ..database.tables import Status, artifacts, callbacks, is_status, jobs

NEWEST = 20  # so many jobs are current even when they have ended


def get(connection: Connection, job_id: UUID) -> Row[Any] | None:
    """The job with this id."""
    return connection.execute(select(jobs).where(jobs.c.id == job_id)).one_or_none()


def get_many(connection: Connection, ids: Collection[UUID]) -> Sequence[Row[Any]]:
    """The jobs with these ids, those that there are."""
    return connection.execute(select(jobs).where(jobs.c.id.in_(ids))).all()


def page(
    connection: Connection,
    *,
    kind: str | None,
    status: Status | None,
    before: UUID | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Jobs, the newest first, from behind the one with the id `before` on."""
    found = select(jobs).order_by(jobs.c.id.desc()).limit(limit)
    if kind is not None:
        found = found.where(jobs.c.kind == kind)
    if status is not None:
        found = found.where(is_status(status))
    if before is not None:
        found = found.where(jobs.c.id < before)
    return connection.execute(found).all()


def current(connection: Connection) -> dict[UUID, tuple[int, Status]]:
    """Version and status of the jobs that have not ended, and of the newest, by their ids."""
    columns = (jobs.c.id, jobs.c.version, jobs.c.status)
    newest = select(*columns).order_by(jobs.c.id.desc()).limit(NEWEST)
    found = [*connection.execute(newest)]
    for status in (Status.RUNNING, Status.QUEUED, Status.DELAYED):
        not_ended = select(*columns).where(is_status(status)).limit(1000)
        found += connection.execute(not_ended)
    return {row.id: (row.version, row.status) for row in found}


def places(connection: Connection, ids: Collection[UUID]) -> dict[UUID, tuple[int, Status]]:
    """Version and status of these jobs."""
    columns = (jobs.c.id, jobs.c.version, jobs.c.status)
    found = connection.execute(select(*columns).where(jobs.c.id.in_(ids)))
    return {row.id: (row.version, row.status) for row in found}


def artifacts_of(connection: Connection, ids: Collection[UUID]) -> dict[UUID, list[Row[Any]]]:
    """The artifacts of these jobs, by name."""
    found = select(artifacts).where(artifacts.c.job_id.in_(ids)).order_by(artifacts.c.name)
    by_job: dict[UUID, list[Row[Any]]] = {job_id: [] for job_id in ids}
    for row in connection.execute(found):
        by_job[row.job_id].append(row)
    return by_job


def callbacks_of(connection: Connection, ids: Collection[UUID]) -> dict[UUID, Row[Any]]:
    """The callbacks of these jobs, of those that have one."""
    found = connection.execute(select(callbacks).where(callbacks.c.job_id.in_(ids)))
    return {row.job_id: row for row in found}


def unavailable_kinds(connection: Connection) -> list[str]:
    """The kinds whose work could not be imported where their jobs run; these jobs wait."""
    found = select(jobs.c.kind, jobs.c.history).where(is_status(Status.DELAYED)).limit(1000)
    return sorted(
        {
            row.kind
            for row in connection.execute(found)
            if row.history and row.history[-1]["outcome"] == "work_unavailable"
        }
    )

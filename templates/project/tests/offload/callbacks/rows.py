"""What stands in the tables, and rows changed as time or another process would."""

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, select, update

from app.offload.database.engines import read, transact
from app.offload.database.tables import callbacks, jobs

SECRET = f"whsec_{'A' * 40}"


def callback(job_id: UUID) -> Row[Any]:
    """The callback of a job."""
    return read(_one, select(callbacks).where(callbacks.c.job_id == job_id))


def job(job_id: UUID) -> Row[Any]:
    """A job."""
    return read(_one, select(jobs).where(jobs.c.id == job_id))


def change_callback(job_id: UUID, **values: Any) -> None:
    """Set columns of a job's callback."""
    transact(_execute, update(callbacks).where(callbacks.c.job_id == job_id).values(**values))


def change_job(job_id: UUID, **values: Any) -> None:
    """Set columns of a job."""
    transact(_execute, update(jobs).where(jobs.c.id == job_id).values(**values))


def _one(connection: Connection, statement: Any) -> Row[Any]:
    return connection.execute(statement).one()


def _execute(connection: Connection, statement: Any) -> None:
    connection.execute(statement)

"""Jobs that ended long ago are deleted, with their inputs and artifacts.

The row goes first, for a retry may come at any time and needs the files. Files that are left behind
when a process dies in between have no row, and the janitor looks for such.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, Select, delete, or_, select

from ..database.tables import callbacks, jobs
from ..settings import get_settings

AT_ONCE = 100
GIVE_UP_AFTER = timedelta(days=1)  # a callback that is still to be tried


def expired(connection: Connection, at: datetime) -> Sequence[UUID]:
    """Some jobs that ended longer ago than RETENTION_DAYS, at a time that the caller believes."""
    return connection.execute(_expired(at).limit(AT_ONCE)).scalars().all()


def delete_expired(connection: Connection, job_id: UUID, at: datetime) -> bool:
    """Delete the row; False when somebody has asked for the job again meanwhile."""
    gone = connection.execute(
        delete(jobs).where(jobs.c.id.in_(_expired(at).where(jobs.c.id == job_id)))
    )
    return bool(gone.rowcount)


def without_a_row(connection: Connection, ids: Sequence[UUID]) -> Sequence[UUID]:
    """Those of the ids that no job has."""
    there = set(connection.execute(select(jobs.c.id).where(jobs.c.id.in_(ids))).scalars())
    return [job_id for job_id in ids if job_id not in there]


def _expired(at: datetime) -> Select[UUID]:
    limit = at - timedelta(days=get_settings().retention_days)
    told = select(callbacks.c.job_id).where(
        callbacks.c.job_id == jobs.c.id, callbacks.c.next_at.is_not(None)
    )
    return select(jobs.c.id).where(
        jobs.c.finished_at < limit,
        or_(~told.exists(), jobs.c.finished_at < at - GIVE_UP_AFTER),
    )

"""Datasets as they are stored: in versions, of which the newest has the dataset's name.

A report names the version that it was accepted for, and its readings stay until it has ended.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, CompoundSelect, Connection, delete, insert, select, union_all
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.database import now
from app.offload import Refused, Status, reading, writing
from app.offload.database.tables import is_status, jobs

from .kind import KIND, JobNameResult
from .readings import Readings
from .tables import Dataset, Estimate, Reading, Version

ROWS_AT_ONCE = 2_000  # about 10 ms on SQLite, where everybody else who writes waits meanwhile
LONGEST_UPLOAD = timedelta(hours=1)  # then it is taken for one that was cut off


@dataclass(frozen=True, slots=True)
class Series:
    """The values of a version in the order of their times."""

    values: Sequence[float]
    first: datetime
    last: datetime


def store(name: str, found: Readings) -> tuple[Version, bool]:
    """Store readings as the newest version of a dataset; it, and whether the dataset is new.

    In pieces, so that others write in between; nobody sees the version until it is whole.
    """
    version = Version(
        count=len(found.times), first_reading=found.time(0), last_reading=found.time(-1)
    )
    with writing() as session:
        session.add(version)
    for start in range(0, version.count, ROWS_AT_ONCE):
        _store_piece(version.id, found, start)
    created = _publish(name, version.id)
    prune()
    return version, created


def pin(connection: Connection, name: str, expected: int | None) -> int:
    """The newest version of a dataset, which stays the newest until the transaction ends.

    Raises Refused when there is no such dataset, or another version is expected.
    """
    newest = select(Dataset.version_id).where(Dataset.name == name).with_for_update(read=True)
    version = connection.scalar(newest)
    if version is None:
        raise Refused(404, f"There is no dataset {name}.")
    if expected not in (None, version):
        raise Refused(409, f"The version of dataset {name} is {version}, not {expected}.")
    return version


def load(session: Session, version_id: int) -> Series:
    """The readings of a version. Raises LookupError when it is gone."""
    version = session.get(Version, version_id)
    if version is None:
        raise LookupError(
            f"version {version_id} is gone: its dataset was replaced or deleted after this report"
            " had ended; ask for a new report"
        )
    ordered = (
        select(Reading.value).where(Reading.version_id == version_id).order_by(Reading.position)
    )
    values = session.execute(ordered).scalars().all()
    return Series(values, version.first_reading, version.last_reading)


def remove(name: str) -> None:
    """Delete a dataset. Raises Refused when there is none, or reports of it have not ended."""
    with writing() as session:
        dataset = session.get(Dataset, name, with_for_update=True)
        if dataset is None:
            raise Refused(404, f"There is no dataset {name}.")
        waiting = session.scalars(_unfinished(jobs.c.params["dataset"].as_string() == name)).all()
        if waiting:
            raise Refused(
                409, f"{len(waiting)} reports on {name} have not ended; cancel them, or wait."
            )
        session.delete(dataset)
    prune()


def prune() -> None:
    """Delete the versions that have no name any more and that no unfinished report names."""
    cut_off = Version.stored_at.is_(None) & (Version.created_at < now() - LONGEST_UPLOAD)
    without_name = Version.id.not_in(select(Dataset.version_id))
    with reading() as session:
        found = session.execute(
            select(Version.id, Version.count).where(
                without_name, Version.stored_at.is_not(None) | cut_off
            )
        ).all()
        needed = set(session.scalars(_unfinished())) if found else set()
    for version_id, count in found:
        if version_id not in needed:
            _remove_version(version_id, count)


def note_estimates(
    connection: Connection,
    job_id: UUID,
    name: str,
    result: JobNameResult,
) -> None:
    """Write down what a report has estimated."""
    found = {
        "mean": (result.mean, result.mean_interval),
        "median": (result.median, result.median_interval),
    }
    rows = [
        {"job_id": job_id, "parameter": parameter, "dataset": name, "value": value}
        | interval.model_dump(include={"low", "high"})
        for parameter, (value, interval) in found.items()
    ]
    connection.execute(insert(Estimate), rows)


def _unfinished(*conditions: ColumnElement[bool]) -> CompoundSelect[int]:
    """The versions that are named by reports which may still run, once for each report."""
    # One branch for each status: so each has its index, however many reports have ended.
    version = jobs.c.params["version"].as_integer()
    return union_all(
        *(
            select(version).where(is_status(status), jobs.c.kind == KIND.name, *conditions)
            for status in (Status.DELAYED, Status.QUEUED, Status.RUNNING)
        )
    )


def _store_piece(version_id: int, found: Readings, start: int) -> None:
    end = min(start + ROWS_AT_ONCE, len(found.times))
    rows = [
        {
            "version_id": version_id,
            "position": position,
            "taken_at": found.time(position),
            "value": found.values[position],
        }
        for position in range(start, end)
    ]
    with writing() as session:
        began = time.perf_counter()
        session.connection().execute(insert(Reading), rows)
        on_sqlite = session.get_bind().dialect.name == "sqlite"
    if on_sqlite:  # who waits for its lock looks again now and then: be away for as long
        time.sleep(time.perf_counter() - began)


def _publish(name: str, version_id: int) -> bool:
    try:
        return _name_it(name, version_id)
    except IntegrityError:  # somebody else stored the first version at the same time
        return _name_it(name, version_id)


def _name_it(name: str, version_id: int) -> bool:
    with writing() as session:
        dataset = session.get(Dataset, name, with_for_update=True)
        session.get_one(Version, version_id).stored_at = now()
        if dataset is None:
            session.add(Dataset(name=name, version_id=version_id))
            return True
        dataset.version_id = version_id
        return False


def _remove_version(version_id: int, count: int) -> None:
    for start in range(0, count, ROWS_AT_ONCE):
        piece = Reading.position.between(start, start + ROWS_AT_ONCE - 1)
        with writing() as session:
            session.execute(delete(Reading).where(Reading.version_id == version_id, piece))
    with writing() as session:
        session.execute(delete(Version).where(Version.id == version_id))

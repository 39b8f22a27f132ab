"""The readings of a dataset: parsed from CSV, stored, loaded."""

import csv
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TextIO

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from app.database import serialize
from app.models import Dataset, Reading, now

HEADER = ["taken_at", "value"]
ROWS_AT_ONCE = 10_000  # that SQLAlchemy makes parameters of: about 1 KB of memory each


class InvalidCsv(ValueError):
    """The CSV cannot be taken as readings; says the line and the column, both from 1."""

    def __init__(self, line: int, column: int, reason: str) -> None:
        super().__init__(f"line {line}, column {column}: {reason}")
        self.line, self.column = line, column


@dataclass(frozen=True, slots=True)
class Series:
    """The values of a dataset in the order of their times."""

    values: Sequence[float]
    first: datetime
    last: datetime


def parse(body: bytes) -> list[tuple[datetime, float]]:
    """The readings in a CSV with the columns taken_at (ISO 8601, UTC if it has no zone) and value.

    Raises InvalidCsv.
    """
    found = list(_parse_rows(_text_of(body)))
    if not found:
        raise InvalidCsv(2, 1, "there is no reading")
    return found


def replace(session: Session, name: str, found: Sequence[tuple[datetime, float]]) -> bool:
    """Store the readings in the place of those that the dataset had; whether the dataset is new."""
    serialize(session, f"dataset:{name}")
    dataset = session.execute(select(Dataset).where(Dataset.name == name)).scalar_one_or_none()
    created = dataset is None
    if dataset is None:
        dataset = Dataset(name=name)
        session.add(dataset)
        session.flush()
    dataset.updated_at = now()
    session.execute(delete(Reading).where(Reading.dataset_id == dataset.id))
    for start in range(0, len(found), ROWS_AT_ONCE):
        rows = found[start : start + ROWS_AT_ONCE]
        session.execute(
            insert(Reading),
            [{"dataset_id": dataset.id, "taken_at": at, "value": value} for at, value in rows],
        )
    return created


def load(session: Session, dataset_id: int) -> Series:
    """The readings of a dataset; there is at least one."""
    ordered = (
        select(Reading.taken_at, Reading.value)
        .where(Reading.dataset_id == dataset_id)
        .order_by(Reading.taken_at, Reading.id)
    )
    rows = session.execute(ordered).all()
    times = [row.taken_at for row in rows]
    return Series([row.value for row in rows], times[0], times[-1])


def _text_of(body: bytes) -> TextIO:
    """The text to be read in pieces: whole it would take five times the room of the body."""
    try:
        body.decode()
    except UnicodeDecodeError as error:
        line_start = body.rfind(b"\n", 0, error.start) + 1
        line = body.count(b"\n", 0, error.start) + 1
        raise InvalidCsv(line, body.count(b",", line_start, error.start) + 1, "not UTF-8") from None
    return io.TextIOWrapper(io.BytesIO(body), "utf-8-sig", newline="")


def _parse_rows(text: TextIO) -> Iterator[tuple[datetime, float]]:
    rows = csv.reader(text, strict=True)
    try:
        if next(rows, []) != HEADER:
            raise InvalidCsv(1, 1, f"the header must be {','.join(HEADER)}")
        for row in rows:
            if row:
                yield _parse_row(rows.line_num, row)
    except csv.Error as error:
        raise InvalidCsv(rows.line_num, 1, str(error)) from None


def _parse_row(line: int, row: list[str]) -> tuple[datetime, float]:
    if len(row) != len(HEADER):
        raise InvalidCsv(
            line, min(len(row), len(HEADER)) + 1, f"{len(HEADER)} columns are expected"
        )
    return _parse_time(line, row[0]), _parse_value(line, row[1])


def _parse_time(line: int, text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise InvalidCsv(line, 1, f"taken_at {text[:50]!r} is no ISO 8601 time") from None
    try:
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except OverflowError:
        raise InvalidCsv(line, 1, f"taken_at {text[:50]!r} is out of range") from None


def _parse_value(line: int, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise InvalidCsv(line, 2, f"value {text[:50]!r} is no number") from None
    if not math.isfinite(value):
        raise InvalidCsv(line, 2, f"value {text[:50]!r} is not finite")
    return value

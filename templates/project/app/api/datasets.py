"""Datasets: put as CSV, listed."""

from datetime import datetime
from typing import Annotated

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Depends, Path, Request, Response
from sqlalchemy import Row, Select, func, select

from app import readings
from app.api.dependencies import Reading
from app.api.problems import Problem, answers
from app.database import transact
from app.models import Dataset
from app.models import Reading as ReadingRow
from app.schemas import DATASET_NAME, DatasetOut

router = APIRouter(prefix="/datasets", tags=["datasets"])

Name = Annotated[str, Path(pattern=DATASET_NAME)]

# Each takes up to 20 times its body in memory and a core while it is parsed, so the others wait
# with their bodies; and on threads of their own, because the default ones answer everybody else.
UPLOADS_AT_ONCE = 2
uploads = CapacityLimiter(UPLOADS_AT_ONCE)


async def _csv_body(request: Request) -> bytes:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "text/csv":
        raise Problem(415, "The body must be text/csv.")
    return await request.body()


@router.put(
    "/{name}",
    status_code=201,
    responses={200: {"model": DatasetOut}, **answers(413, 415, 422, 503)},
    openapi_extra={"requestBody": {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
async def put_dataset(
    name: Name, body: Annotated[bytes, Depends(_csv_body)], response: Response
) -> DatasetOut:
    """Store the readings of a dataset in the place of those it had."""
    stored, created = await to_thread.run_sync(_store, name, body, limiter=uploads)
    response.status_code = 201 if created else 200
    return stored


def _store(name: str, body: bytes) -> tuple[DatasetOut, bool]:
    """What the dataset is now, and whether it is new."""
    try:
        found = readings.parse(body)
    except readings.InvalidCsv as error:
        raise Problem(422, str(error), line=error.line, column=error.column) from None
    created = transact(readings.replace, name, found)
    (first, _), (last, _) = min(found), max(found)
    return DatasetOut(name=name, count=len(found), first_reading=first, last_reading=last), created


@router.get("", responses=answers(503))
def list_datasets(session: Reading) -> list[DatasetOut]:
    """All datasets by name."""
    return [_out(row) for row in session.execute(_summaries().order_by(Dataset.name))]


@router.get("/{name}", responses=answers(404, 422, 503))
def get_dataset(name: Name, session: Reading) -> DatasetOut:
    """One dataset."""
    row = session.execute(_summaries().where(Dataset.name == name)).one_or_none()
    if row is None:
        raise Problem(404, f"There is no dataset {name}.")
    return _out(row)


def _summaries() -> Select[str, int, datetime, datetime]:
    times = ReadingRow.taken_at
    return (
        select(Dataset.name, func.count(ReadingRow.id), func.min(times), func.max(times))
        .join(ReadingRow, ReadingRow.dataset_id == Dataset.id)
        .group_by(Dataset.id)
    )


def _out(row: Row[str, int, datetime, datetime]) -> DatasetOut:
    name, count, first, last = row
    return DatasetOut(name=name, count=count, first_reading=first, last_reading=last)

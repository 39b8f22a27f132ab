"""Datasets: put as CSV, listed, deleted. The engine finds `router` here and serves it."""

import tempfile
from datetime import datetime
from functools import lru_cache
from typing import Annotated, BinaryIO
from uuid import UUID

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field
from pydantic_settings import BaseSettings
from sqlalchemy import Select, select

from app.offload import Refused, reading
from app.offload.http.problems import answers
from app.offload.settings import CONFIG, load

from . import datasets
from .kind import DATASET_NAME, DATASETS, KIND
from .readings import InvalidCsv, parse
from .tables import Dataset, Estimate, Version

router = APIRouter(
    prefix=DATASETS,
    tags=[KIND.name],
    generate_unique_id_function=lambda route: f"{KIND.name}_{route.name}",
)

Name = Annotated[str, Path(pattern=DATASET_NAME)]
Limit = Annotated[int, Query(ge=1, le=1000)]

EXAMPLE = "taken_at,value\n2024-01-31T12:00:00Z,12.5\n2024-02-01,13\n"

# Each takes a core while it is parsed, so the others wait; and on threads of their own, because the
# default ones answer everybody else.
uploads = CapacityLimiter(2)


class DatasetSettings(BaseSettings):
    """The settings of datasets."""

    model_config = CONFIG

    max_dataset_bytes: int = Field(default=5_000_000, gt=0)


class DatasetOut(BaseModel):
    """A dataset, without its readings."""

    name: str
    version: int
    count: int
    first_reading: datetime
    last_reading: datetime


class EstimateOut(BaseModel):
    """What a report has estimated from a dataset."""

    job_id: UUID
    parameter: str
    value: float
    low: float
    high: float


@lru_cache
def get_dataset_settings() -> DatasetSettings:
    """The settings of datasets, read once."""
    return load(DatasetSettings)


@router.put(
    "/{name}",
    status_code=201,
    responses={200: {"model": DatasetOut}, **answers(413, 415, 422, 503)},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"text/csv": {"schema": {"type": "string"}, "example": EXAMPLE}},
        }
    },
)
async def put_dataset(name: Name, request: Request, response: Response) -> DatasetOut:
    """Store the readings of a dataset in the place of those it had.

    A reading is a line: an ISO 8601 time, in UTC if it has no zone, and a number, with no blank
    around either. No time comes twice.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "text/csv":
        raise Refused(415, "The body must be text/csv.")
    with tempfile.TemporaryFile() as body:
        await _receive(request, body)
        stored, created = await to_thread.run_sync(_store, name, body, limiter=uploads)
    response.status_code = 201 if created else 200
    return stored


async def _receive(request: Request, body: BinaryIO) -> None:
    limit, length = get_dataset_settings().max_dataset_bytes, 0
    async for chunk in request.stream():
        length += len(chunk)
        if length > limit:
            raise Refused(
                413, f"The CSV is longer than {limit} bytes, which MAX_DATASET_BYTES allows."
            )
        await to_thread.run_sync(body.write, chunk)
    body.seek(0)


def _store(name: str, body: BinaryIO) -> tuple[DatasetOut, bool]:
    try:
        found = parse(body)
    except InvalidCsv as error:
        raise Refused(422, str(error), line=error.line, column=error.column) from None
    version, created = datasets.store(name, found)
    return _out(name, version), created


@router.head("", include_in_schema=False)
@router.get("", responses=answers(422, 503))
def list_datasets(after: str = "", limit: Limit = 100) -> list[DatasetOut]:
    """Datasets by name: those after a name, so many."""
    page = _newest().where(Dataset.name > after).order_by(Dataset.name).limit(limit)
    with reading() as session:
        return [_out(*row) for row in session.execute(page)]


@router.head("/{name}", include_in_schema=False)
@router.get("/{name}", responses=answers(404, 422, 503))
def get_dataset(name: Name) -> DatasetOut:
    """One dataset."""
    with reading() as session:
        row = session.execute(_newest().where(Dataset.name == name)).one_or_none()
    if row is None:
        raise Refused(404, f"There is no dataset {name}.")
    return _out(*row)


@router.head("/{name}/estimates", include_in_schema=False)
@router.get("/{name}/estimates", responses=answers(422, 503))
def list_estimates(name: Name, limit: Limit = 100) -> list[EstimateOut]:
    """What reports have estimated from a dataset of this name, the newest first."""
    newest = (
        select(Estimate)
        .where(Estimate.dataset == name)
        .order_by(Estimate.job_id.desc(), Estimate.parameter)  # the ids rise with time
        .limit(limit)
    )
    with reading() as session:
        found = session.scalars(newest).all()
    return [EstimateOut.model_validate(row, from_attributes=True) for row in found]


@router.delete("/{name}", status_code=204, responses=answers(404, 409, 422, 503))
def delete_dataset(name: Name) -> None:
    """Delete a dataset of which no report waits or runs."""
    datasets.remove(name)


def _newest() -> Select[str, Version]:
    return select(Dataset.name, Version).join(Version, Dataset.version_id == Version.id)


def _out(name: str, version: Version) -> DatasetOut:
    return DatasetOut(
        name=name,
        version=version.id,
        count=version.count,
        first_reading=version.first_reading,
        last_reading=version.last_reading,
    )

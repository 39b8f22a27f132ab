"""What a report is asked for with, and what comes of it."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import Connection

from app.offload import Kind

from .figures import Histogram, Interval

DATASETS = "/job_names/datasets"  # where its data is put and listed
DATASET_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
ONE_LINE = r"^[^\x00-\x1f\x7f]+$"


class JobNameParams(BaseModel):
    """What a report is asked for with."""

    model_config = ConfigDict(extra="forbid")

    dataset: Annotated[
        str,
        StringConstraints(pattern=DATASET_NAME),
        Field(json_schema_extra={"x-options": DATASETS}),  # the page offers what is listed there
    ]
    title: Annotated[
        str, StringConstraints(strip_whitespace=True, max_length=200, pattern=ONE_LINE)
    ]
    resamples: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    version: Annotated[
        int | None,
        Field(
            description="Of the dataset. The newest when the report was accepted; another is 409.",
            json_schema_extra={"x-hidden": True},  # from the page's form
        ),
    ] = None


class JobNameResult(BaseModel):
    """What is found out about a series."""

    count: int
    mean: float
    standard_deviation: float | None  # of a sample; one value has none
    minimum: float
    lower_quartile: float
    median: float
    upper_quartile: float
    maximum: float
    mean_interval: Interval
    median_interval: Interval
    histogram: Histogram


def pin_version(
    connection: Connection,
    params: JobNameParams,
) -> JobNameParams:
    """Name the version of the dataset: what was accepted is what is computed."""
    from . import datasets  # which needs KIND

    version = datasets.pin(connection, params.dataset, params.version)
    return params.model_copy(update={"version": version})


KIND = Kind(
    "job_name",
    JobNameParams,
    JobNameResult,
    prefix="/job_names",
    prepare=pin_version,
)

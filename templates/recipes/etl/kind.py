"""Sales in, cleaned and added up by day and shop."""

from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict

from app.offload import Input, Kind


class JobNameParams(BaseModel):
    """How the file is written; a Parquet file needs none of it."""

    model_config = ConfigDict(extra="forbid")

    separator: Literal[",", ";", "|", "\t"] = ","


class JobNameResult(BaseModel):
    """What was in the file. Each of its rows is either kept or rejected."""

    rows: int
    kept: int
    rejected: dict[str, int]  # by what is wrong with them; they are in rejected.csv
    totals: int  # rows written to the table
    amount: Decimal  # of all that are kept


SALES = Input(
    media_types=(
        "application/octet-stream",  # as curl calls every .csv, and browsers every .parquet
        "application/vnd.apache.parquet",
        "application/vnd.ms-excel",  # as Windows calls a .csv
        "text/csv",
        "text/plain",
    ),
    max_bytes=2_000_000_000,
)

KIND = Kind(
    "job_name",
    JobNameParams,
    JobNameResult,
    inputs={"sales": SALES},
    deadline_seconds=3600,
)

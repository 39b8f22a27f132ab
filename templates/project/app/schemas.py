"""What goes over the wire."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.models import Report, Status

DATASET_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
ONE_LINE = r"^[^\x00-\x1f\x7f]+$"


class DatasetOut(BaseModel):
    """A dataset, without its readings."""

    name: str
    count: int
    first_reading: datetime
    last_reading: datetime


class ReportIn(BaseModel):
    """What a report is asked for with."""

    model_config = ConfigDict(extra="forbid")

    dataset: Annotated[str, StringConstraints(pattern=DATASET_NAME)]
    title: Annotated[
        str, StringConstraints(strip_whitespace=True, max_length=200, pattern=ONE_LINE)
    ]
    resamples: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0


class ErrorOut(BaseModel):
    """Why a report failed."""

    code: str
    message: str


class ReportOut(BaseModel):
    """A report as it stands."""

    id: UUID
    dataset: str
    title: str
    resamples: int
    seed: int
    status: Status
    progress: Annotated[float, Field(ge=0, le=1)]
    attempts: int
    cancel_requested: bool
    result: dict[str, Any] | None
    error: ErrorOut | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, report: Report) -> "ReportOut":
        """The public side of a row."""
        error = None
        if report.error_code and report.error_message:
            error = ErrorOut(code=report.error_code, message=report.error_message)
        return cls(
            **{name: getattr(report, name) for name in _SAME_NAME},
            cancel_requested=report.cancel_requested_at is not None,
            error=error,
        )


_SAME_NAME = ReportOut.model_fields.keys() - {"cancel_requested", "error"}


class ReportPage(BaseModel):
    """A page of reports, newest first."""

    items: list[ReportOut]
    next_cursor: str | None

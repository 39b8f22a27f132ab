"""What goes over the wire."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, HttpUrl, StringConstraints

from app.models import ENDED, Report, Status

DATASET_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
LONGEST_URL = 2000
ONE_LINE = r"^[^\x00-\x1f\x7f]+$"


class DatasetOut(BaseModel):
    """A dataset, without its readings."""

    name: str
    count: int
    first_reading: datetime
    last_reading: datetime


def _callback_url(url: HttpUrl) -> HttpUrl:
    if url.username or url.password:
        raise ValueError("must not hold a user or a password")
    if len(str(url)) > LONGEST_URL:
        raise ValueError(f"must not be longer than {LONGEST_URL} characters")
    return url


class ReportIn(BaseModel):
    """What a report is asked for with."""

    model_config = ConfigDict(extra="forbid")

    dataset: Annotated[str, StringConstraints(pattern=DATASET_NAME)]
    title: Annotated[
        str, StringConstraints(strip_whitespace=True, max_length=200, pattern=ONE_LINE)
    ]
    resamples: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    callback_url: Annotated[HttpUrl, AfterValidator(_callback_url)] | None = None


class ErrorOut(BaseModel):
    """Why a report failed."""

    code: str
    message: str


class CallbackStatus(StrEnum):
    """Where the callback of a report stands."""

    WAITING = "waiting"  # for the report to end
    DUE = "due"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


class CallbackOut(BaseModel):
    """The callback of a report, and what came of its last try."""

    status: CallbackStatus
    attempts: int
    last_status: int | None
    last_error: str | None
    next_at: datetime | None

    @classmethod
    def of(cls, report: Report) -> "CallbackOut | None":
        """The callback side of a row, if a callback is wanted."""
        if report.callback_url is None:
            return None
        return cls(
            status=_callback_status(report),
            attempts=report.callback_attempts,
            last_status=report.callback_status,
            last_error=report.callback_error,
            next_at=report.callback_next_at,
        )


def _callback_status(report: Report) -> CallbackStatus:
    if report.status not in ENDED:
        return CallbackStatus.WAITING
    if report.callback_next_at:
        return CallbackStatus.DUE
    return CallbackStatus.GIVEN_UP if report.callback_error else CallbackStatus.DELIVERED


class ReportOut(BaseModel):
    """A report as it stands."""

    id: UUID
    dataset: str
    title: str
    resamples: int
    seed: int
    version: int
    status: Status
    progress: Annotated[float, Field(ge=0, le=1)]
    attempts: int
    cancel_requested: bool
    result: dict[str, Any] | None
    error: ErrorOut | None
    callback: CallbackOut | None
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
            callback=CallbackOut.of(report),
        )


_SAME_NAME = ReportOut.model_fields.keys() - {"cancel_requested", "error", "callback"}


class ReportPage(BaseModel):
    """A page of reports, newest first."""

    items: list[ReportOut]
    next_cursor: str | None


class FaultOut(BaseModel):
    """What is wrong with one part of a request."""

    at: str
    message: str


class ProblemOut(BaseModel):
    """What is wrong, as RFC 9457 has it; the members with a default come where they apply."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    errors: list[FaultOut] = []  # of a request that is invalid
    line: int | None = None  # of a CSV that is invalid
    column: int | None = None
    down: dict[str, str] = {}  # by name, what the service needs and does without

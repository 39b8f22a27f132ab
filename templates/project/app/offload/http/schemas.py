"""What goes over the wire."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import quote
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, create_model
from sqlalchemy import Connection, Row

from ..database.tables import ENDED, Status
from ..kinds import Kind
from ..queue import listing
from .links import Links

P = TypeVar("P")
R = TypeVar("R")


class FaultOut(BaseModel):
    """What is wrong with one part of a request."""

    at: str
    message: str


class OffloadProblem(BaseModel):
    """What is wrong, as RFC 9457 has it; the errors come with a request that is not valid."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    errors: list[FaultOut] = []


class ErrorOut(BaseModel):
    """Why a job has failed: a code for programs, and a message for people."""

    code: str
    message: str


class AttemptOut(BaseModel):
    """An attempt that came to nothing."""

    started_at: datetime | None
    noticed_at: datetime
    outcome: str
    detail: str
    worker: str | None


class ArtifactOut(BaseModel):
    """A file that a job has made."""

    name: str
    media_type: str
    size: int  # bytes
    digest: str  # SHA-256, in hexadecimal
    href: str | None  # none where it is not served


class CallbackStatus(StrEnum):
    """Where the callback of a job stands."""

    WAITING = "waiting"  # for the job to end
    DUE = "due"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


class CallbackOut(BaseModel):
    """The callback of a job, and what came of its last try."""

    status: CallbackStatus
    attempts: int
    last_status: int | None
    last_error: str | None
    next_at: datetime | None


class JobOut(BaseModel, Generic[P, R]):
    """A job as it stands."""

    id: UUID
    kind: str
    queue: str
    priority: int
    status: Status
    progress: Annotated[float, Field(ge=0, le=1)]
    version: int
    attempts: int
    max_attempts: int
    params: P
    result: R | None
    artifacts: list[ArtifactOut]
    error: ErrorOut | None
    history: list[AttemptOut]
    callback: CallbackOut | None
    cancel_requested: bool
    created_at: datetime
    run_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class JobPage(BaseModel, Generic[P]):
    """A page of jobs, the newest first."""

    items: list[P]
    next_cursor: str | None


class AnyJob(JobOut[dict[str, Any], dict[str, Any]]):
    """A job of any kind, as it stands."""


class AnyJobPage(JobPage[AnyJob]):
    """A page of jobs of any kind, the newest first."""


class InputOut(BaseModel):
    """A file that a kind of job takes."""

    media_types: list[str]
    max_bytes: int
    required: bool
    many: int


class KindOut(BaseModel):
    """A kind of job: where its jobs are, and what they take, as a JSON schema."""

    name: str
    title: str
    prefix: str
    params: dict[str, Any]
    inputs: dict[str, InputOut]


def job_model(kind: Kind[Any, Any]) -> type[JobOut[Any, Any]]:
    """The model of this kind's jobs, for the documentation: `ClipJob`."""
    name = "".join(word.capitalize() for word in kind.name.split("_"))
    return create_model(f"{name}Job", __base__=JobOut[kind.params, kind.result])  # type: ignore[name-defined]


def page_model(job: type[JobOut[Any, Any]]) -> type[JobPage[Any]]:
    """The model of a page of such jobs: `ClipJobPage`."""
    return create_model(f"{job.__name__}Page", __base__=JobPage[job])  # type: ignore[valid-type]


@dataclass(frozen=True, slots=True)
class Job:
    """The rows of a job."""

    row: Row[Any]
    artifacts: Sequence[Row[Any]] = ()
    callback: Row[Any] | None = None

    def out(self, links: Links | None) -> AnyJob:
        """The job as it is shown. What was stored under an older model is shown as it is."""
        row, error = self.row, None
        if row.error_code:
            error = ErrorOut(code=row.error_code, message=row.error_message or "")
        return AnyJob(
            **{name: getattr(row, name) for name in _SAME_NAME},
            artifacts=[_artifact(row, artifact, links) for artifact in self.artifacts],
            error=error,
            callback=self._callback(),
            cancel_requested=row.cancel_requested_at is not None,
        )

    def _callback(self) -> CallbackOut | None:
        if self.callback is None:
            return None
        if self.row.status not in ENDED:
            status = CallbackStatus.WAITING
        elif self.callback.next_at:
            status = CallbackStatus.DUE
        else:
            failed = self.callback.last_error
            status = CallbackStatus.GIVEN_UP if failed else CallbackStatus.DELIVERED
        return CallbackOut(
            status=status,
            attempts=self.callback.attempts,
            last_status=self.callback.last_status,
            last_error=self.callback.last_error,
            next_at=self.callback.next_at,
        )


_SAME_NAME = AnyJob.model_fields.keys() - {"artifacts", "error", "callback", "cancel_requested"}


def with_all(connection: Connection, rows: Collection[Row[Any]]) -> list[Job]:
    """The jobs of these rows with what else is known of them."""
    if not rows:
        return []
    artifacts = listing.artifacts_of(connection, [row.id for row in rows])
    wanted = [row.id for row in rows if row.has_callback]
    callbacks = listing.callbacks_of(connection, wanted) if wanted else {}
    return [Job(row, artifacts[row.id], callbacks.get(row.id)) for row in rows]


def render(connection: Connection, row: Row[Any]) -> Mapping[str, Any]:
    """What a callback tells of a job: no result, for that is asked for with a key."""
    [job] = with_all(connection, [row])
    hidden: Any = {"result": True, "callback": True, "artifacts": {"__all__": {"href"}}}
    return job.out(None).model_dump(mode="json", exclude=hidden)


def _artifact(job: Row[Any], artifact: Row[Any], links: Links | None) -> ArtifactOut:
    place = links.job(job.kind, job.id) if links else None
    return ArtifactOut(
        name=artifact.name,
        media_type=artifact.media_type,
        size=artifact.size,
        digest=artifact.digest,
        href=f"{place}/artifacts/{quote(artifact.name, safe='')}" if place else None,
    )

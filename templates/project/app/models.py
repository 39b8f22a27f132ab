"""The tables. A report is a job: its row is the truth about it, whatever the queue says."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    TypeDecorator,
    event,
    inspect,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime in UTC; SQLite keeps no zone of its own."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Status(StrEnum):
    """Where a report stands. The last three are ends."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = (Status.SUCCEEDED, Status.FAILED, Status.CANCELLED)


def now() -> datetime:
    """The time in UTC. Leases compare the clocks of several hosts: keep them on NTP."""
    return datetime.now(UTC)


class Base(MappedAsDataclass, DeclarativeBase):
    """Names every constraint, so that migrations can change it."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime}  # noqa: RUF012 (SQLAlchemy's own name)


class Dataset(Base, kw_only=True):
    """A named series of readings."""

    __tablename__ = "datasets"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    updated_at: Mapped[datetime] = mapped_column(default_factory=now)


class Reading(Base, kw_only=True):
    """One value of a series."""

    __tablename__ = "readings"

    # Each upload takes new numbers. (SQLite numbers only what is INTEGER, which has 64 bits there.)
    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, init=False
    )
    dataset_id: Mapped[int] = mapped_column(ForeignKey("datasets.id"))
    taken_at: Mapped[datetime]
    value: Mapped[float]

    __table_args__ = (Index(None, "dataset_id", "taken_at"),)


class Report(Base, kw_only=True):
    """A report that was asked for, and the job that makes it."""

    __tablename__ = "reports"

    # What was asked for.
    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=uuid4)
    dataset_id: Mapped[int] = mapped_column(ForeignKey("datasets.id"))
    dataset: Mapped[str] = mapped_column(String(100))
    title: Mapped[str] = mapped_column(String(200))
    resamples: Mapped[int]
    seed: Mapped[int]
    idempotency_key: Mapped[str | None] = mapped_column(String(255), unique=True, default=None)
    request_digest: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(default_factory=now)

    # Which request asked for it: its id, and its place in a trace (W3C Trace Context).
    request_id: Mapped[str | None] = mapped_column(String(128), default=None)
    traceparent: Mapped[str | None] = mapped_column(String(55), default=None)

    # Where it stands. The version rises with every write that callers can see.
    version: Mapped[int] = mapped_column(default=1)
    status: Mapped[Status] = mapped_column(String(9), default=Status.QUEUED)
    progress: Mapped[float] = mapped_column(default=0.0)  # 0 to 1
    attempts: Mapped[int] = mapped_column(default=0)
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON, default=None)
    pdf_key: Mapped[str | None] = mapped_column(String(200), default=None)
    error_code: Mapped[str | None] = mapped_column(String(50), default=None)
    error_message: Mapped[str | None] = mapped_column(String(500), default=None)
    started_at: Mapped[datetime | None] = mapped_column(default=None)
    finished_at: Mapped[datetime | None] = mapped_column(default=None)

    # Who may write to it, and until when.
    lease_token: Mapped[str | None] = mapped_column(String(32), unique=True, default=None)
    lease_expires_at: Mapped[datetime | None] = mapped_column(default=None)
    deadline_at: Mapped[datetime | None] = mapped_column(default=None)
    cancel_requested_at: Mapped[datetime | None] = mapped_column(default=None)

    # When the doorbell was for: what is queued since when, and when to ring again.
    queued_at: Mapped[datetime] = mapped_column(default_factory=now)
    ring_at: Mapped[datetime] = mapped_column(default_factory=now)

    # Who is told of its end, when to try next, and what came of the last try.
    callback_url: Mapped[str | None] = mapped_column(String(2000), default=None)
    callback_attempts: Mapped[int] = mapped_column(default=0)
    callback_next_at: Mapped[datetime | None] = mapped_column(default=None)
    callback_status: Mapped[int | None] = mapped_column(default=None)  # of HTTP
    callback_error: Mapped[str | None] = mapped_column(String(200), default=None)

    __table_args__ = (
        Index(None, "created_at", "id"),
        Index(None, "status", "ring_at"),
        Index(None, "status", "lease_expires_at"),
        Index(None, "status", "finished_at"),
        Index(None, "callback_next_at"),
    )


# What a report's callers do not see.
UNSEEN = {"lease_token", "lease_expires_at", "deadline_at", "queued_at", "ring_at"}


@event.listens_for(Report, "before_update")
def _raise_version(_mapper: object, _connection: object, report: Report) -> None:
    """Count a change of a loaded row. Statements that change rows unloaded count it themselves."""
    changed = {column.key for column in inspect(report).attrs if column.history.has_changes()}
    if changed - UNSEEN:
        report.version += 1


class Tally(Base, kw_only=True):
    """What the ends of runs add up to; it stays when the reports are deleted."""

    __tablename__ = "tallies"

    status: Mapped[Status] = mapped_column(String(9), primary_key=True)
    up_to_seconds: Mapped[float] = mapped_column(primary_key=True)  # of run time
    reports: Mapped[int] = mapped_column(default=0)
    attempts: Mapped[int] = mapped_column(default=0)
    seconds: Mapped[float] = mapped_column(default=0.0)

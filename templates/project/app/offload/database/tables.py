"""The engine's tables, the same for every kind of job. No column knows what a job is about.

They stand in a schema of their own on PostgreSQL and have names of their own on SQLite, so that no
table, and no `alembic revision --autogenerate`, of the application ever meets them.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    FromClause,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    Uuid,
    inspect,
    literal_column,
    text,
)

SCHEMA = "offload"
PREFIX = "offload_"
VERSION_TABLE = f"{PREFIX}version"


class Status(StrEnum):
    """Where a job stands. The last three are ends."""

    DELAYED = "delayed"  # until its run_at
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = (Status.SUCCEEDED, Status.FAILED, Status.CANCELLED)


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


class StatusType(TypeDecorator[Status]):
    """A Status, also when it is loaded."""

    impl = String(9)
    cache_ok = True

    def process_bind_param(self, value: Status | None, dialect: Dialect) -> str | None:
        return value

    def process_result_value(self, value: str | None, dialect: Dialect) -> Status | None:
        return None if value is None else Status(value)


# Looked up by ranges of bytes: the order of a language may put the end of a range before its start.
TOKEN = String(60).with_variant(String(60, collation="C"), "postgresql")

metadata = MetaData(
    schema=SCHEMA,
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    },
)


jobs = Table(
    f"{PREFIX}jobs",
    metadata,
    # What was asked for. The id is a UUIDv7: it rises with the time of the request.
    Column("id", Uuid, primary_key=True),
    Column("kind", String(100), nullable=False),
    Column("queue", String(50), nullable=False),
    Column("priority", Integer, nullable=False),  # the higher the sooner
    Column("params", JSON, nullable=False),
    Column("inputs", JSON, nullable=False),  # name: what was uploaded, as it lies in the store
    Column("idempotency_key", String(255)),
    Column("request_digest", String(64)),
    Column("has_callback", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    # Which request asked for it: its id, and its place in a trace (W3C Trace Context).
    Column("request_id", String(128)),
    Column("traceparent", String(55)),
    # Where it stands. The version rises with every write that callers can see.
    Column("version", Integer, nullable=False),
    Column("status", StatusType, nullable=False),
    Column("run_at", UtcDateTime, nullable=False),  # not before then
    Column("progress", Float, nullable=False),  # 0 to 1
    Column("attempts", Integer, nullable=False),  # runs that failed or died, and the present one
    Column("max_attempts", Integer, nullable=False),
    Column("retry_seconds", Float, nullable=False),  # the first backoff
    Column("deadline_seconds", Float, nullable=False),
    Column("result", JSON(none_as_null=True)),
    Column("error_code", String(50)),
    Column("error_message", String(500)),
    Column("history", JSON, nullable=False),  # of the attempts that came to nothing
    Column("started_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Column("cancel_requested_at", UtcDateTime),
    # Who may write to it, and until when. The length is the holder's, whatever JOB_LEASE_SECONDS is
    # where somebody looks.
    Column("lease_token", TOKEN),
    Column("lease_seconds", Float),
    Column("lease_expires_at", UtcDateTime),
    Column("worker", String(200)),  # host:pid
)


def is_status(status: Status, table: FromClause = jobs) -> ColumnElement[bool]:
    """The condition with the status spelled out: a bound one matches no partial index."""
    return table.c.status == literal_column(f"'{status}'", StatusType())


# Beats stay HOT on PostgreSQL because no index names lease_expires_at, progress or version.
Index("ix_offload_jobs_kind", jobs.c.kind, jobs.c.id)
Index(
    "ix_offload_jobs_queued",
    jobs.c.queue,
    jobs.c.priority.desc(),
    jobs.c.run_at,
    jobs.c.id,
    postgresql_where=text("status = 'queued'"),
    sqlite_where=text("status = 'queued'"),
)
Index(
    "ix_offload_jobs_running",
    jobs.c.lease_token,
    unique=True,
    postgresql_where=text("status = 'running'"),
    sqlite_where=text("status = 'running'"),
)
Index(
    "ix_offload_jobs_delayed",
    jobs.c.run_at,
    postgresql_where=text("status = 'delayed'"),
    sqlite_where=text("status = 'delayed'"),
)
Index(
    "uq_offload_jobs_idempotency_key",
    jobs.c.kind,
    jobs.c.idempotency_key,
    unique=True,
    postgresql_where=text("idempotency_key IS NOT NULL"),
    sqlite_where=text("idempotency_key IS NOT NULL"),
)
Index(
    "ix_offload_jobs_finished",
    jobs.c.finished_at,
    postgresql_where=text("finished_at IS NOT NULL"),
    sqlite_where=text("finished_at IS NOT NULL"),
)

artifacts = Table(
    f"{PREFIX}artifacts",
    metadata,
    Column("job_id", ForeignKey(jobs.c.id, ondelete="CASCADE"), primary_key=True),
    Column("name", String(200), primary_key=True),
    Column("key", String(300), nullable=False),  # in the store
    Column("media_type", String(200), nullable=False),
    Column("size", BigInteger, nullable=False),  # bytes
    Column("digest", String(64), nullable=False),  # SHA-256, in hexadecimal
)

# Who is told of a job's end, when to try next, and what came of the last try.
callbacks = Table(
    f"{PREFIX}callbacks",
    metadata,
    Column("job_id", ForeignKey(jobs.c.id, ondelete="CASCADE"), primary_key=True),
    Column("url", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", UtcDateTime),
    Column("last_status", Integer),  # of HTTP
    Column("last_error", String(200)),
)
Index(
    "ix_offload_callbacks_next",
    callbacks.c.next_at,
    postgresql_where=text("next_at IS NOT NULL"),
    sqlite_where=text("next_at IS NOT NULL"),
)

# What the ends of runs add up to; it stays when the jobs are deleted.
statistics = Table(
    f"{PREFIX}statistics",
    metadata,
    Column("kind", String(100), primary_key=True),
    Column("status", StatusType, primary_key=True),
    Column("up_to_seconds", Float, primary_key=True),  # of run time; 1e308 for the rest
    Column("jobs", BigInteger, nullable=False),
    Column("attempts", BigInteger, nullable=False),
    Column("seconds", Float, nullable=False),
)

# Up to when something has been done with all rows.
watermarks = Table(
    f"{PREFIX}watermarks",
    metadata,
    Column("name", String(50), primary_key=True),
    Column("at", UtcDateTime, nullable=False),
)


def are_there(connection: Connection) -> bool:
    """Whether this database has the tables."""
    schema = SCHEMA if connection.dialect.name == "postgresql" else None
    return inspect(connection).has_table(jobs.name, schema)


def include_name(name: str | None, type_: str, _parents: Any) -> bool:
    """For `context.configure(include_name=…)` in an application's env.py.

    On SQLite it needs that, and on PostgreSQL if it says `include_schemas=True`.
    """
    return not (type_ == "table" and name is not None and name.startswith(PREFIX))

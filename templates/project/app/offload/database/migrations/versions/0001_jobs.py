"""Jobs, their artifacts and callbacks, what their ends add up to."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
TOKEN = sa.String(60).with_variant(sa.String(60, collation="C"), "postgresql")


def _schema() -> str | None:
    return "offload" if op.get_bind().dialect.name == "postgresql" else None


def _job_id(schema: str | None) -> sa.Column[object]:
    key = f"{schema}.offload_jobs.id" if schema else "offload_jobs.id"
    return sa.Column("job_id", sa.Uuid(), sa.ForeignKey(key, ondelete="CASCADE"), primary_key=True)


def _index(
    name: str, table: str, columns: list[object], where: str | None, **options: bool
) -> None:
    condition = sa.text(where) if where else None
    op.create_index(
        name,
        table,
        columns,  # type: ignore[arg-type]
        schema=_schema(),
        postgresql_where=condition,
        sqlite_where=condition,
        **options,
    )


def upgrade() -> None:
    schema = _schema()
    op.create_table(
        "offload_jobs",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("kind", sa.String(100), nullable=False),
        sa.Column("queue", sa.String(50), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("inputs", sa.JSON(), nullable=False),
        sa.Column("idempotency_key", sa.String(255)),
        sa.Column("request_digest", sa.String(64)),
        sa.Column("has_callback", sa.Boolean(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("request_id", sa.String(128)),
        sa.Column("traceparent", sa.String(55)),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(9), nullable=False),
        sa.Column("run_at", TIME, nullable=False),
        sa.Column("progress", sa.Float(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("retry_seconds", sa.Float(), nullable=False),
        sa.Column("deadline_seconds", sa.Float(), nullable=False),
        sa.Column("result", sa.JSON()),
        sa.Column("error_code", sa.String(50)),
        sa.Column("error_message", sa.String(500)),
        sa.Column("history", sa.JSON(), nullable=False),
        sa.Column("started_at", TIME),
        sa.Column("finished_at", TIME),
        sa.Column("cancel_requested_at", TIME),
        sa.Column("lease_token", TOKEN),
        sa.Column("lease_seconds", sa.Float()),
        sa.Column("lease_expires_at", TIME),
        sa.Column("worker", sa.String(200)),
        schema=schema,
    )
    _index("ix_offload_jobs_kind", "offload_jobs", ["kind", "id"], None)
    _index(
        "ix_offload_jobs_queued",
        "offload_jobs",
        ["queue", sa.text("priority DESC"), "run_at", "id"],
        "status = 'queued'",
    )
    _index(
        "ix_offload_jobs_running",
        "offload_jobs",
        ["lease_token"],
        "status = 'running'",
        unique=True,
    )
    _index("ix_offload_jobs_delayed", "offload_jobs", ["run_at"], "status = 'delayed'")
    _index(
        "uq_offload_jobs_idempotency_key",
        "offload_jobs",
        ["kind", "idempotency_key"],
        "idempotency_key IS NOT NULL",
        unique=True,
    )
    _index("ix_offload_jobs_finished", "offload_jobs", ["finished_at"], "finished_at IS NOT NULL")
    op.create_table(
        "offload_artifacts",
        _job_id(schema),
        sa.Column("name", sa.String(200), primary_key=True),
        sa.Column("key", sa.String(300), nullable=False),
        sa.Column("media_type", sa.String(200), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        schema=schema,
    )
    op.create_table(
        "offload_callbacks",
        _job_id(schema),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", TIME),
        sa.Column("last_status", sa.Integer()),
        sa.Column("last_error", sa.String(200)),
        schema=schema,
    )
    _index("ix_offload_callbacks_next", "offload_callbacks", ["next_at"], "next_at IS NOT NULL")
    op.create_table(
        "offload_statistics",
        sa.Column("kind", sa.String(100), primary_key=True),
        sa.Column("status", sa.String(9), primary_key=True),
        sa.Column("up_to_seconds", sa.Float(), primary_key=True),
        sa.Column("jobs", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        schema=schema,
    )
    op.create_table(
        "offload_watermarks",
        sa.Column("name", sa.String(50), primary_key=True),
        sa.Column("at", TIME, nullable=False),
        schema=schema,
    )
    watermarks = sa.table("offload_watermarks", sa.column("name"), sa.column("at"), schema=schema)
    for name in ("statistics", "written"):
        op.execute(watermarks.insert().values(name=name, at="1970-01-01 00:00:00.000000"))
    if schema:  # the queue's dead entries are what a claim walks over
        op.execute(
            "ALTER TABLE offload.offload_jobs SET (fillfactor = 70,"
            " autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000)"
        )


def downgrade() -> None:
    for table in ("watermarks", "statistics", "callbacks", "artifacts", "jobs"):
        op.drop_table(f"offload_{table}", schema=_schema())

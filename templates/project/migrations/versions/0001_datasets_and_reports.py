"""Datasets, their readings, and reports."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0001"
down_revision: str | None = None
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "datasets",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_datasets"),
        sa.UniqueConstraint("name", name="uq_datasets_name"),
    )
    op.create_table(
        "readings",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("dataset_id", sa.Integer(), nullable=False),
        sa.Column("taken_at", TIME, nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_readings"),
        sa.ForeignKeyConstraint(["dataset_id"], ["datasets.id"], name="fk_readings_dataset_id"),
    )
    op.create_index("ix_readings_dataset_id_taken_at", "readings", ["dataset_id", "taken_at"])
    op.create_table(
        "reports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dataset_id", sa.Integer(), nullable=False),
        sa.Column("dataset", sa.String(100), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("resamples", sa.Integer(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("idempotency_key", sa.String(255), nullable=True),
        sa.Column("request_digest", sa.String(64), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("request_id", sa.String(128), nullable=True),
        sa.Column("traceparent", sa.String(55), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(9), nullable=False),
        sa.Column("progress", sa.Double(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("result", sa.JSON(), nullable=True),
        sa.Column("pdf_key", sa.String(200), nullable=True),
        sa.Column("error_code", sa.String(50), nullable=True),
        sa.Column("error_message", sa.String(500), nullable=True),
        sa.Column("started_at", TIME, nullable=True),
        sa.Column("finished_at", TIME, nullable=True),
        sa.Column("lease_token", sa.String(32), nullable=True),
        sa.Column("lease_expires_at", TIME, nullable=True),
        sa.Column("deadline_at", TIME, nullable=True),
        sa.Column("cancel_requested_at", TIME, nullable=True),
        sa.Column("queued_at", TIME, nullable=False),
        sa.Column("ring_at", TIME, nullable=False),
        sa.Column("callback_url", sa.String(2000), nullable=True),
        sa.Column("callback_attempts", sa.Integer(), nullable=False),
        sa.Column("callback_next_at", TIME, nullable=True),
        sa.Column("callback_status", sa.Integer(), nullable=True),
        sa.Column("callback_error", sa.String(200), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_reports"),
        sa.ForeignKeyConstraint(["dataset_id"], ["datasets.id"], name="fk_reports_dataset_id"),
        sa.UniqueConstraint("idempotency_key", name="uq_reports_idempotency_key"),
        sa.UniqueConstraint("lease_token", name="uq_reports_lease_token"),
    )
    op.create_index("ix_reports_created_at_id", "reports", ["created_at", "id"])
    op.create_index("ix_reports_status_ring_at", "reports", ["status", "ring_at"])
    op.create_index("ix_reports_status_lease_expires_at", "reports", ["status", "lease_expires_at"])
    op.create_index("ix_reports_status_finished_at", "reports", ["status", "finished_at"])
    op.create_index("ix_reports_callback_next_at", "reports", ["callback_next_at"])
    op.create_table(
        "tallies",
        sa.Column("status", sa.String(9), nullable=False),
        sa.Column("up_to_seconds", sa.Double(), nullable=False),
        sa.Column("reports", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("status", "up_to_seconds", name="pk_tallies"),
    )


def downgrade() -> None:
    for table in ("tallies", "reports", "readings", "datasets"):
        op.drop_table(table)

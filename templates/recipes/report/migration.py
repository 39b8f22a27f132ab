"""Datasets in versions, their readings, and what was estimated from them."""

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
        "job_name_versions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("first_reading", TIME, nullable=False),
        sa.Column("last_reading", TIME, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("stored_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint(
            "id",
            name=op.f("pk_job_name_versions"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "job_name_datasets",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "name",
            name=op.f("pk_job_name_datasets"),
        ),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["job_name_versions.id"],
            name=op.f("fk_job_name_datasets_version_id"),
        ),
    )
    op.create_table(
        "job_name_readings",
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("taken_at", TIME, nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint(
            "version_id",
            "position",
            name=op.f("pk_job_name_readings"),
        ),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["job_name_versions.id"],
            name=op.f("fk_job_name_readings_version_id"),
        ),
    )
    op.create_table(
        "job_name_estimates",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("parameter", sa.String(10), nullable=False),
        sa.Column("dataset", sa.String(100), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("low", sa.Double(), nullable=False),
        sa.Column("high", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint(
            "job_id",
            "parameter",
            name=op.f("pk_job_name_estimates"),
        ),
    )
    op.create_index(
        op.f("ix_job_name_estimates_dataset_job_id"),
        "job_name_estimates",
        ["dataset", "job_id"],
    )


def downgrade() -> None:
    for table in (
        "job_name_estimates",
        "job_name_readings",
        "job_name_datasets",
        "job_name_versions",
    ):
        op.drop_table(table)

"""Totals by job, day and shop."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0001"
down_revision: str | None = None
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "job_name_totals",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("shop", sa.String(100), nullable=False),
        sa.Column("sales", sa.BigInteger(), nullable=False),
        sa.Column("cents", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "job_id",
            "day",
            "shop",
            name=op.f("pk_job_name_totals"),
        ),
    )


def downgrade() -> None:
    op.drop_table("job_name_totals")

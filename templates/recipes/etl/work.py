"""How sales are cleaned and added up. Loaded where jobs run, and nowhere else."""

from decimal import Decimal
from uuid import UUID

import polars as pl
from sqlalchemy import Connection, insert

from app.offload import Run

from . import frames, tables
from .kind import (
    KIND,
    JobNameParams,
    JobNameResult,
)

ROWS_AT_ONCE = 1_000


@KIND.work
def job_name(
    run: Run,
    params: JobNameParams,
) -> JobNameResult:
    """Clean the sales; keep them as Parquet, the rejected rows as CSV, and the totals as rows."""
    found = frames.load(frames.scan(run.input("sales"), params.separator), run.folder, run.progress)
    run.keep("cleaned.parquet", found.cleaned_file, "application/vnd.apache.parquet")
    if found.rejected:
        run.keep("rejected.csv", found.rejected_file, "text/csv")
    run.at_end(lambda end: write_totals(end, run.id, found.totals))
    run.progress(1.0)
    return JobNameResult(
        rows=found.rows,
        kept=found.rows - sum(found.rejected.values()),
        rejected=found.rejected,
        totals=found.totals.height,
        amount=found.totals["amount"].sum() or Decimal(0),
    )


def write_totals(connection: Connection, job_id: UUID, totals: pl.DataFrame) -> None:
    """Write the totals in the transaction that ends the job: nobody sees half of them."""
    cents = totals.select("day", "shop", "sales", cents=(pl.col("amount") * 100).cast(pl.Int64))
    for piece in cents.iter_slices(ROWS_AT_ONCE):
        rows = [{"job_id": job_id, **row} for row in piece.iter_rows(named=True)]
        connection.execute(insert(tables.totals), rows)

"""Prints reports per second of a bare pool, which only computes and renders.

python bare_pool.py WORKERS REPORTS RESAMPLES
"""

import csv
import os
import sys
import time
from datetime import UTC, datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from app import pdf
from app.compute import analyse

SAMPLE = Path(pdf.__file__).parent.parent / "samples" / "nile.csv"
NICENESS = 10  # that of our children: other load on the machine must not tell
CREATED_AT = datetime(2000, 1, 1, tzinfo=UTC)


def read_sample() -> list[float]:
    """The values that a report is about."""
    with SAMPLE.open(newline="") as file:
        return [float(row["value"]) for row in csv.DictReader(file)]


def make_report(values: list[float], resamples: int, seed: int) -> int:
    """The size of a report's PDF."""
    result = analyse(values, resamples=resamples, seed=seed, progress=lambda _: None)
    content = pdf.ReportContent(
        title="x",
        dataset="nile",
        resamples=resamples,
        seed=seed,
        created_at=CREATED_AT,
        result=result,
    )
    return len(pdf.render(content))


def main() -> None:
    """Warm up with a report a worker, then time the pool."""
    workers, reports, resamples = map(int, sys.argv[1:])
    make = partial(make_report, read_sample(), resamples)
    with get_context("forkserver").Pool(workers, os.nice, (NICENESS,)) as pool:
        pool.map(make, range(workers), chunksize=1)
        start = time.perf_counter()
        pool.map(make, range(reports), chunksize=1)
        sys.stdout.write(f"{reports / (time.perf_counter() - start)}\n")


if __name__ == "__main__":
    main()

"""Prints reports per second of a bare pool, which only computes and renders.

python bare_pool.py WORKERS REPORTS RESAMPLES
"""

import os
import sys
import time
from datetime import UTC, datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from app.jobs.report import pdf
from app.jobs.report.compute import analyse
from app.jobs.report.kind import ReportParams
from app.jobs.report.readings import Readings, parse

SAMPLE = Path(pdf.__file__).parent / "page" / "nile.csv"
NICENESS = 10  # that of our children: other load on the machine must not tell
CREATED_AT = datetime(2000, 1, 1, tzinfo=UTC)


def read_sample() -> Readings:
    """What a report is about."""
    with SAMPLE.open("rb") as file:
        return parse(file)


def make_report(readings: Readings, resamples: int, seed: int) -> int:
    """The size of a report's PDF."""
    params = ReportParams(dataset="nile", title="x", resamples=resamples, seed=seed)
    result = analyse(readings.values, resamples=resamples, seed=seed, progress=lambda _: None)
    content = pdf.ReportContent(
        params=params,
        result=result,
        created_at=CREATED_AT,
        first_reading=readings.time(0),
        last_reading=readings.time(-1),
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

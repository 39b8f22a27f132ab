"""Prints when each of as many empty jobs ended: claimed and finished in its row, without a queue.

python rows.py WORKERS JOBS
"""

import sys
import time
from multiprocessing import get_context
from uuid import UUID

from app import jobs
from app.children import begin_child
from app.database import writing
from app.migrate import migrate
from app.models import Dataset, Report
from app.pipeline import new_token, run_report


def run(report_id: UUID) -> float:
    """The moment of the end, in seconds of Unix time."""
    run_report(report_id, new_token())
    return time.time()


def make_reports(number: int) -> list[UUID]:
    """Reports that wait to be run."""
    with writing() as session:
        dataset = Dataset(name="nile")
        session.add(dataset)
        session.flush()
        asked = {"dataset": "nile", "title": "x", "resamples": 1, "seed": 1, "request_digest": ""}
        made = [Report(dataset_id=dataset.id, **asked) for _ in range(number)]
        for report in made:
            jobs.enqueue(report)
        session.add_all(made)
        return [report.id for report in made]


def main() -> None:
    """Run the jobs on a pool, one at a time in each process."""
    workers, number = map(int, sys.argv[1:])
    migrate()
    ids = make_reports(number)
    with get_context("spawn").Pool(workers, begin_child) as pool:
        for end in pool.imap_unordered(run, ids):
            sys.stdout.write(f"{end}\n")


if __name__ == "__main__":
    main()

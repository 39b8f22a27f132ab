"""Several processes after the same rows."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

from app.models import Dataset
from service import ROOT
from unit.rows import add_report

CLAIMS = """
import random, sys, uuid
from app import jobs
from app.database import writing

reports = sys.stdin.read().split()
random.shuffle(reports)
for report_id in reports:
    with writing() as session:  # not `transact`, which would try again
        if jobs.claim(session, uuid.UUID(report_id), uuid.uuid4().hex):
            print(report_id)
"""


def claim_all(reports: set[str]) -> list[str]:
    """Which of the reports a process of its own could claim."""
    script = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{CLAIMS}"
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=" ".join(reports),
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.split()


def test_four_processes_claim_each_row_once(dataset: Dataset) -> None:
    reports = {str(add_report(dataset).id) for _ in range(400)}
    with ThreadPoolExecutor(4) as threads:
        claimed = [*threads.map(claim_all, [reports] * 4)]
    assert sorted(chain.from_iterable(claimed)) == sorted(reports)
    assert sum(map(bool, claimed)) > 1  # they were at it at the same time

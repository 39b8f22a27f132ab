"""Works for a while, by calling progress."""

import os
import time
from pathlib import Path

from sqlalchemy import text

from ...offload import Run
from .kind import KIND, SlowParams, SlowResult

RUNS = Path(os.environ["FAULTS_FOLDER"]) / "runs"


@KIND.work
def slow(run: Run, params: SlowParams) -> SlowResult:
    """Spend the time in ten steps."""
    with RUNS.open("a") as runs:
        runs.write(f"{run.id} {os.getpid()} slow\n")
    for step in range(10):
        time.sleep(params.seconds / 10)
        run.progress(step / 10)
    if (RUNS.parent / "ledger").exists():
        ledger = text("INSERT INTO ledger (job_id) VALUES (:job_id)")
        run.at_end(lambda end: end.execute(ledger, {"job_id": run.id.hex}))
    return SlowResult(times=10)

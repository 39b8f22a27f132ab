"""Waits on an event loop of its own."""

import asyncio
import os
from pathlib import Path

from sqlalchemy import text

from ...offload import Run
from .kind import KIND, PatientParams, PatientResult

RUNS = Path(os.environ["FAULTS_FOLDER"]) / "runs"


@KIND.work
async def patient(run: Run, params: PatientParams) -> PatientResult:
    """Wait twice at once."""
    with RUNS.open("a") as runs:
        runs.write(f"{run.id} {os.getpid()} patient\n")
    both = [asyncio.sleep(params.seconds) for _ in range(2)]
    await asyncio.gather(*both)
    ledger = text("INSERT INTO ledger (job_id) VALUES (:job_id)")
    if (RUNS.parent / "ledger").exists():
        run.at_end(lambda end: end.execute(ledger, {"job_id": run.id.hex}))
    return PatientResult(waited=len(both))

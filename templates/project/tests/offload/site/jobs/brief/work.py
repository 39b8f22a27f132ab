"""Never calls progress."""

import ctypes
import os
import time
from pathlib import Path

from ...offload import Run
from .kind import KIND, BriefParams, BriefResult

RUNS = Path(os.environ["FAULTS_FOLDER"]) / "runs"


@KIND.work
def brief(run: Run, params: BriefParams) -> BriefResult:
    """Sleep in C."""
    with RUNS.open("a") as runs:
        runs.write(f"{run.id} {os.getpid()} brief\n")
    if params.holds_the_gil:
        ctypes.PyDLL(None).usleep(int(params.seconds * 1_000_000))
    else:
        time.sleep(params.seconds)
    return BriefResult()

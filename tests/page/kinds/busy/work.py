"""Runs until it is cancelled."""

import time

from app.offload import Run

from .kind import KIND, BusyParams, BusyResult


@KIND.work
def busy(run: Run, _params: BusyParams) -> BusyResult:
    """Look whether it may go on."""
    while True:
        run.progress(0.5)
        time.sleep(0.05)

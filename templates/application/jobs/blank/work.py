"""How it is done. Imported where jobs run, and nowhere else."""

from ...offload import Run
from .kind import KIND, BlankParams, BlankResult


@KIND.work
def blank(run: Run, params: BlankParams) -> BlankResult:
    """Put your computation here; each `run.progress` is where a cancelled job stops."""
    total = 0
    for step in range(params.steps):
        total += step
        run.progress((step + 1) / params.steps)
    return BlankResult(total=total)

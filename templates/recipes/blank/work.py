"""How it is done. Loaded where jobs run, and nowhere else: import here what the work needs."""

from app.offload import Run

from .kind import (
    KIND,
    JobNameParams,
    JobNameResult,
)


@KIND.work
def job_name(
    run: Run,
    params: JobNameParams,
) -> JobNameResult:
    """Put your work in the place of the loop, in steps that report how far it is."""
    for step in range(params.steps):
        run.progress(step / params.steps)  # and where a cancelled or overdue run stops
    return JobNameResult(steps=params.steps)

"""Does nothing."""

from ...offload import Run
from .kind import KIND, BusyParams, BusyResult


@KIND.work
def busy(_run: Run, _params: BusyParams) -> BusyResult:
    """Be done."""
    return BusyResult()

"""How nothing is done."""

import time

from app.offload import Run

from .kind import KIND, Rest


@KIND.work
def empty(run: Run, params: Rest) -> Rest:
    """Rest, if it is asked for; give back what was taken."""
    end = time.monotonic() + params.seconds
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(left, 0.1))
        run.check()
    return params

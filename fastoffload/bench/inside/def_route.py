"""The project's service, but that a report is run as Starlette runs a route that is a plain `def`.

That is on a thread of its pool for all such routes, forty at a time, which share the GIL.
"""

from app.main import app
from held import hold, run_one
from starlette.concurrency import run_in_threadpool


async def run_as_a_def_route() -> None:
    """Run a report; the answer is sent when it is done."""
    await run_in_threadpool(run_one)


hold(app, run_as_a_def_route)

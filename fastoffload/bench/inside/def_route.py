"""The project's service, but that a report is run as Starlette runs a route that is a plain `def`.

That is on a thread of its pool for all such routes, forty at a time, which share the GIL.
"""

from uuid import UUID

from app.main import app
from app.offload import submitter
from app.offloader import Submit
from app.pipeline import new_token, run_report
from starlette.concurrency import run_in_threadpool


async def run_as_a_def_route(report_id: UUID) -> None:
    """Run the report; the answer is sent when it is done."""
    await run_in_threadpool(run_report, report_id, new_token())


def override() -> Submit:
    """In the place of the strategy's submitter."""
    return run_as_a_def_route


app.dependency_overrides[submitter] = override

"""The project's service, but that a report is run in the `async def` route that was asked for it.

The computation holds the event loop: this is the mistake that all the others are compared with.
"""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

from app.main import app
from app.offload import submitter
from app.offloader import Submit
from app.pipeline import new_token, run_report

# With SQLite, a request whose insert is under way has the one lock for writing, and cannot give it
# back while the loop stands: the run would wait for it in vain. One at a time they run anyway.
_one_at_a_time = asyncio.Lock()


async def run_in_the_route(report_id: UUID) -> None:
    """Run the report; the answer is sent when it is done."""
    run_report(report_id, new_token())


async def override() -> AsyncIterator[Submit]:
    """In the place of the strategy's submitter."""
    async with _one_at_a_time:
        yield run_in_the_route


app.dependency_overrides[submitter] = override

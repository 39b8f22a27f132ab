"""The project's service, but that a report is run in the `async def` route that was asked for it.

The computation holds the event loop: this is the mistake that all the others are compared with.
"""

import asyncio

from app.main import app
from held import hold, run_one


async def run_in_the_route() -> None:
    """Run a report; the answer is sent when it is done."""
    run_one()


# With SQLite, a request whose insert is under way has the one lock for writing, and cannot give it
# back while the loop stands: the run would wait for it in vain. One at a time they run anyway.
hold(app, run_in_the_route, turn=asyncio.Lock())

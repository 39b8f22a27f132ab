"""Ends that no signal leads to, or that come later than its patience: jobs are queued again."""

import subprocess
import sys

import pytest

from offload.databases import job_rows
from offload.service import COMMANDS, LIMIT_SECONDS, ServiceMaker

QUEUED_AT_NO_COST = ("queued", 0)


@pytest.mark.skipif("broker" in COMMANDS, reason="not run: a process of its own runs the jobs")
def test_a_stop_is_not_as_long_as_the_server_would_wait(make_service: ServiceMaker) -> None:
    service = make_service().start("--timeout-graceful-shutdown 600")
    service.wait_until_run(service.submit("held"))
    service.stop()  # the launcher kills what goes on
    assert job_rows(service.database_url) == [QUEUED_AT_NO_COST]


@pytest.mark.skipif("broker" in COMMANDS, reason="not run: a process of its own runs the jobs")
@pytest.mark.parametrize("fails", [False, True])
def test_an_application_that_ends_without_a_signal_leaves_nothing_behind(
    make_service: ServiceMaker, fails: bool
) -> None:
    service = make_service()
    script = service.folder / "script.py"
    script.write_text(WITHOUT_A_SERVER)
    ended = subprocess.run(
        [sys.executable, str(script), "fails" if fails else ""],
        cwd=service.folder,
        env=service.environment,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    assert ended.returncode in (0, 1)  # what hangs on a thread is ended with 1
    assert job_rows(service.database_url) == [QUEUED_AT_NO_COST]


WITHOUT_A_SERVER = """
import asyncio, sys
from contextlib import suppress
from pathlib import Path
from app.jobs.fault.kind import KIND, FaultParams
from app.main import app
from app.offload.database.engines import transact

def add(connection):
    KIND.enqueue(connection, FaultParams(fault="held"))

async def main():
    async with app.router.lifespan_context(app):
        await asyncio.to_thread(transact, add)
        while not Path("runs").exists():
            await asyncio.sleep(0.05)
        if sys.argv[1]:
            raise KeyError

if __name__ == "__main__":
    with suppress(KeyError):
        asyncio.run(main())
"""

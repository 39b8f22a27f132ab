"""However a run ends, nothing of it is left."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from doctor_running.conftest import Project, processes_with

pytestmark = pytest.mark.xdist_group("doctor_running")

MAIN = """
import subprocess, sys, time
from fastapi import FastAPI

sleeper = [sys.executable, "-c", "import time; time.sleep(600)"]
children = [subprocess.Popen(sleeper), subprocess.Popen(sleeper, start_new_session=True)]
app = FastAPI()

@app.get("/endless")
async def endless() -> None:
    open("{reached}", "w").close()
    time.sleep(600)
"""
DRIVE = """
import sys
from pathlib import Path
from fastoffload.doctor.running.drive import drive
from fastoffload.doctor.running.options import DriveOptions

drive(Path(sys.argv[1]), None, DriveOptions(python=Path(sys.argv[2]), timeout=300))
"""
LIMIT_SECONDS = 60


def wait_until(happened: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + LIMIT_SECONDS
    while not happened():
        assert time.monotonic() < end, f"not within {LIMIT_SECONDS} s: {what}"
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill -9"])
def test_nothing_is_left(
    python: Path, project: Project, tmp_path: Path, number: signal.Signals
) -> None:
    reached, temporary = tmp_path / "reached", tmp_path / "tmp"
    temporary.mkdir()
    root = project({"main.py": MAIN.format(reached=reached)})
    mark = f"DOCTOR_TEST={tmp_path}"
    name, _, value = mark.partition("=")
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVE, str(root), str(python)],
        env={**os.environ, name: value, "TMPDIR": str(temporary)},
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(reached.exists, "the application is asked")
        assert len(processes_with(mark)) == 4  # the driver, the application, and two of its own
        driver.send_signal(number)
        driver.wait(LIMIT_SECONDS)
        if number == signal.SIGINT:
            assert processes_with(mark) == []
            assert list(temporary.iterdir()) == []
        else:  # what has left the group cannot be reached by an application that is killed
            wait_until(lambda: len(processes_with(mark)) <= 1, "the application has ended")
    finally:
        for process in processes_with(mark):
            os.kill(process, signal.SIGKILL)

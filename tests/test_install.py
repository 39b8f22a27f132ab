"""What uv does in a project is stopped half way."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from conftest import LIMIT_SECONDS

WaitUntil = Callable[[Callable[[], bool]], None]
PYPROJECT = f"""
[project]
name = "demo"
version = "1"
requires-python = ">={sys.version_info.major}.{sys.version_info.minor}"
dependencies = ["pytest=={pytest.__version__}"]
"""
TESTS = """
import subprocess
import sys
import time
from pathlib import Path

import pytest

SERVER = [sys.executable, "-c", "import time; time.sleep(600)"]


@pytest.fixture
def server():
    running = subprocess.Popen(SERVER, start_new_session=True)
    Path("new").write_text(str(running.pid))
    Path("new").rename("started")
    yield
    time.sleep(1)  # as services that end in order do
    running.kill()
    running.wait()
    Path("ended").touch()


def test_that_waits(server):
    time.sleep(600)
"""
PROGRAM = """
import sys
from pathlib import Path

from fastoffload.system import processes, uv

processes.listen()
try:
    uv.test(Path.cwd())
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_tests_put_their_services_away(
    tmp_path: Path, wait_until: WaitUntil, number: signal.Signals
) -> None:
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    (tmp_path / "test_slow.py").write_text(TESTS)
    running = subprocess.Popen([sys.executable, "-c", PROGRAM], cwd=tmp_path)
    started = tmp_path / "started"
    wait_until(lambda: started.exists() or running.poll() is not None)
    server = int(started.read_text())
    running.send_signal(number)
    code = running.wait(LIMIT_SECONDS)
    left = psutil.pid_exists(server)
    if left:
        os.kill(server, signal.SIGKILL)
    assert (code, left) == (130, False)
    assert (tmp_path / "ended").exists()

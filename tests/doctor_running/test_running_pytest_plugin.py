"""`pytest -p fastoffload.doctor` in a user's environment."""

import os
import subprocess
from pathlib import Path

import pytest

from doctor_running.conftest import Project

pytestmark = pytest.mark.xdist_group("doctor_running")

CHECKOUT = Path(__file__).parent.parent.parent
MAIN = """
import asyncio
import time
from fastapi import FastAPI

app = FastAPI()

def wait():
    time.sleep(0.3)

@app.get("/items/{item_id}")
async def read_item(item_id: int) -> None:
    wait()

@app.get("/awaited")
async def awaited() -> None:
    await asyncio.sleep(0.3)

@app.get("/plain")
def plain() -> None:
    wait()
"""
TESTS = """
import time
import httpx
import pytest
from fastapi.testclient import TestClient
from main import app

def test_blocks():
    assert TestClient(app).get("/items/7").status_code == 200

@pytest.mark.parametrize("path", ["/awaited", "/plain"])
def test_does_not(path):
    with TestClient(app) as client:
        assert client.get(path).status_code == 200

@pytest.fixture
def anyio_backend():
    return "asyncio"

@pytest.mark.anyio
async def test_itself_blocks_its_loop():
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        time.sleep(0.3)
        assert (await client.get("/awaited")).status_code == 200
        time.sleep(0.3)

@pytest.fixture
def item():
    return TestClient(app).get("/items/1")

def test_of_a_fixture_that_blocked(item):
    assert item.status_code == 200
"""


@pytest.fixture
def run(python: Path, project: Project) -> "Run":
    root = project({"main.py": MAIN, "test_app.py": TESTS})
    return Run(python, root)


class Run:
    """Runs a user's tests with the plugin."""

    def __init__(self, python: Path, root: Path) -> None:
        self._python, self.root = python, root

    def __call__(self, *options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self._python, "-m", "pytest", "-p", "fastoffload.doctor", "-q", *options],
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": str(CHECKOUT), "PYTEST_ADDOPTS": ""},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


def test_a_test_whose_request_blocks_fails_with_route_and_line(run: Run) -> None:
    result = run()
    assert "1 failed, 4 passed" in result.stdout
    assert "GET /items/{item_id} blocked for 0." in result.stdout
    assert "time.sleep at main.py:9 (waits)" in result.stdout
    assert "FAILED test_app.py::test_blocks" in result.stdout


def test_the_limit_is_the_users(run: Run) -> None:
    assert "5 passed" in run("--blocking-limit", "5").stdout
    (run.root / "pytest.ini").write_text("[pytest]\nblocking_limit = 5\n")
    assert "5 passed" in run().stdout
    assert "1 failed, 4 passed" in run("--blocking-limit", "0.2").stdout


def test_a_limit_that_is_no_number_is_refused(run: Run) -> None:
    (run.root / "pytest.ini").write_text("[pytest]\nblocking_limit = soon\n")
    result = run()
    assert result.returncode == pytest.ExitCode.USAGE_ERROR
    assert "blocking_limit is 'soon'; give a number of seconds" in result.stderr

"""Blocks that are planted in an application are named, with route and line, and nothing else is."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from doctor_running.conftest import VERSIONS, Environment, is_told, stands
from fastoffload.doctor.findings import Finding
from fastoffload.doctor.report import Run
from fastoffload.doctor.running.drive import drive
from fastoffload.doctor.running.options import DriveOptions

pytestmark = pytest.mark.xdist_group("doctor_running")

HELPERS = """
import hashlib
import time


def wait():
    time.sleep(0.4)  # WAIT


def compute():
    total = 0
    for number in range(8_000_000):
        total += number * number % 7  # COMPUTE
    return total


def hash_password(password):
    return hashlib.scrypt(password, salt=b"x" * 16, n=2**15, r=8, p=4, maxmem=2**28)  # HASH
"""
MAIN = """
import asyncio
import sys
import threading
import time
import urllib.request
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, Request
from helpers import compute, hash_password, wait
from stands import stands


class Slow(BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(1)  # it needs a processor three times, on a machine that may be busy
        self.send_response(204)
        self.end_headers()


elsewhere = HTTPServer(("127.0.0.1", 0), Slow)
threading.Thread(target=elsewhere.serve_forever, daemon=True).start()


@asynccontextmanager
async def lifespan(app):
    assert type(asyncio.get_running_loop()).__module__.startswith(LOOP)
    yield
    time.sleep(0.4)  # nobody is served any more


app = FastAPI(lifespan=lifespan)
router = APIRouter(prefix="/v1")


@app.middleware("http")
async def log_requests(request: Request, call_next):
    if request.url.path == "/logged":
        urllib.request.urlopen(f"http://127.0.0.1:{elsewhere.server_port}/")  # HTTP
    return await call_next(request)


async def current_user():
    return hash_password(b"secret")


async def tidy():
    await asyncio.sleep(0)
    compute()


async def alone():
    time.sleep(0.4)  # ALONE


@router.get("/items/{item_id}")
async def read_item(item_id: int) -> int:
    stands()
    wait()
    return item_id


@app.get("/me", dependencies=[Depends(current_user)])
async def me() -> str:
    return "Ann"


@app.get("/tidied")
async def tidied(tasks: BackgroundTasks) -> None:
    tasks.add_task(tidy)


@app.get("/logged")
async def logged() -> None: ...


@app.get("/left")
async def left() -> None:
    app.state.task = asyncio.create_task(alone())


@app.get("/awaited")
async def awaited() -> None:
    await asyncio.sleep(0.4)


@app.get("/threaded")
async def threaded() -> None:
    await asyncio.to_thread(wait)


@app.get("/plain")
def plain() -> None:
    wait()


@app.get("/lazy")
async def lazy() -> None:
    if "loaded" not in sys.modules:
        sys.modules["loaded"] = sys
        wait()


app.include_router(router)
"""
NO_UVLOOP = {"uvloop.py": "raise ImportError"}


def line_of(text: str, mark: str) -> int:
    (line,) = (number for number, line in enumerate(text.splitlines(), 1) if f"# {mark}" in line)
    return line


Runs = Callable[[str, str], tuple[Run, Path]]
MEASURED = "measured"


@pytest.fixture(scope="module")
def run_of(environment: Environment, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Runs the application, once with each Python and each loop; with what it measured itself."""

    @cache
    def run(version: str, loop: str) -> tuple[Run, Path]:
        root = tmp_path_factory.mktemp("planted")
        files = {"helpers.py": HELPERS, "main.py": MAIN.replace("LOOP", repr(loop))}
        files["stands.py"] = stands(root / MEASURED)
        for name, text in (files | (NO_UVLOOP if loop == "asyncio" else {})).items():
            (root / name).write_text(text)
        return drive(root, None, DriveOptions(python=environment(version))), root / MEASURED

    return run


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_each_is_named_under_each_loop(run_of: Runs, version: str, loop: str) -> None:
    result, _ = run_of(version, loop)
    assert (result.stopped_because, result.not_judged) == (None, ())

    seen = {(it.entry, it.call, it.cause, it.place.file, it.place.line) for it in result.findings}
    computing = {it for it in seen if it[1] == "helpers.compute"}
    assert seen - computing == {
        ("GET /v1/items/{item_id}", "time.sleep", "waits", "helpers.py", line_of(HELPERS, "WAIT")),
        (
            "dependency current_user",
            "hashlib.scrypt",
            "computes",
            "helpers.py",
            line_of(HELPERS, "HASH"),
        ),
        (
            "middleware log_requests",
            "urllib.request.urlopen",
            "waits",
            "main.py",
            line_of(MAIN, "HTTP"),
        ),
        ("background task alone", "time.sleep", "waits", "main.py", line_of(MAIN, "ALONE")),
    }
    ((entry, _, cause, file, line),) = computing
    assert (entry, cause, file) == ("background task tidy", "computes", "helpers.py")
    assert line - line_of(HELPERS, "COMPUTE") in (-1, 0)  # the loop has two lines


@pytest.fixture
def result(run_of: Runs) -> Run:
    return run_of(VERSIONS[0], "asyncio")[0]


def test_what_serves_many_routes_says_by_which_it_was_seen(result: Run) -> None:
    chains = {finding.entry: finding.chain for finding in result.findings}
    assert chains["middleware log_requests"] == ("GET /logged", "log_requests")
    assert chains["dependency current_user"] == ("GET /me", "current_user", "hash_password")
    assert chains["background task tidy"] == ("GET /tidied", "tidy", "compute")
    assert chains["background task alone"] == ("GET /left", "alone")
    assert chains["GET /v1/items/{item_id}"] == ("read_item", "wait")


def test_the_remedy_fits_what_blocks(result: Run) -> None:
    by_entry: dict[str, Finding] = {finding.entry: finding for finding in result.findings}
    assert by_entry["GET /v1/items/{item_id}"].remedy.action == "def"
    assert "to_thread(urllib.request.urlopen" in by_entry["middleware log_requests"].remedy.advice
    tidy = by_entry["background task tidy"]
    assert tidy.seconds
    assert tidy.remedy.action == ("job" if tidy.seconds >= 1 else "wrap")


def test_the_most_expensive_comes_first_with_seconds(run_of: Runs) -> None:
    result, measured = run_of(VERSIONS[0], "asyncio")
    seconds = [finding.seconds or 0 for finding in result.findings]
    assert seconds == sorted(seconds, reverse=True)
    waits = {finding.entry: finding.seconds for finding in result.findings}
    assert is_told(waits["GET /v1/items/{item_id}"] or 0, measured)

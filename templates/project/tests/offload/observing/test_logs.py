"""How the lines of a process look, by where it runs; each process is a real one."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAM = """
import logging
import structlog
from app.offload.observing import logs

structlog.get_logger("early").info("before")
logs.configure()
log = structlog.get_logger("app.some")
log.info("it_began", password="hidden", number=1)
logging.getLogger("celery.worker.consumer").info("connected")
logging.getLogger("celery.app.trace").info("Task look[1] succeeded")
logging.getLogger("dramatiq.worker").warning("consumer %s", "lost")
logging.getLogger("theirs").info("a line of the application's")
library = {"log": logging.getLogger("fontTools.subset")}
told = "log.info('glyf pruned'); log.warning('a font is broken')"
exec(compile(told, "/venv/lib/python3/site-packages/fontTools/subset.py", "exec"), library)
access = logging.getLogger("uvicorn.access")
for path, status in (
    ("/health/ready", 200), ("/api/metrics", 200), ("/jobs/events?after=1", 200),
    ("/jobs/7/events", 200), ("/dev/stalls", 200), ("/health/ready", 503), ("/events/mine", 200),
):
    access.info('%s - "%s %s HTTP/%s" %d', "127.0.0.1:1", "GET", path, "1.1", status)

def fail():
    secret = "local-variable"
    raise ValueError("it failed")

try:
    fail()
except ValueError:
    log.exception("it_ended")
"""
TRACEBACK = ["Traceback (most recent call last):", "    fail()", "ValueError: it failed"]


def run(folder: Path, stderr: int = subprocess.PIPE, **environment: str) -> str:
    """What the program writes to stderr, or nothing when that is given."""
    for name in ("LOG_FORMAT", "HONCHO_PROCESS_NAME", "NO_COLOR"):
        environment.setdefault(name, "")
    given = {name: value for name, value in (os.environ | environment).items() if value}
    given["PYTHONPATH"] = os.pathsep.join([str(Path.cwd()), given.get("PYTHONPATH", "")])
    (folder / "program.py").write_text(PROGRAM)
    program = [sys.executable, "program.py"]
    ended = subprocess.run(
        program, cwd=folder, env=given, stdout=subprocess.DEVNULL, stderr=stderr, check=True
    )
    return ended.stderr.decode() if ended.stderr else ""


def parsed(written: str) -> list[dict[str, Any]]:
    """The lines, each a JSON document."""
    return [json.loads(line) for line in written.splitlines()]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder without a .env."""
    return tmp_path


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What is written where nobody watches."""
    return parsed(run(tmp_path_factory.mktemp("program")))


def test_where_nobody_watches_each_event_is_one_line_of_json(lines: list[dict[str, Any]]) -> None:
    began = next(line for line in lines if line["event"] == "it_began")
    assert (began["logger"], began["level"], began["number"]) == ("app.some", "info", 1)
    assert lines[-1]["exception"].splitlines()[-1] == "ValueError: it failed"


def test_what_libraries_log_looks_the_same(lines: list[dict[str, Any]]) -> None:
    told = {line["logger"]: (line["level"], line["event"]) for line in lines}
    assert told["celery.worker.consumer"] == ("info", "connected")
    assert told["dramatiq.worker"] == ("warning", "consumer lost")
    assert "celery.app.trace" not in told  # a line for each "look"


def test_a_library_tells_of_its_insides_only_where_that_is_asked_for(
    root: Path, lines: list[dict[str, Any]]
) -> None:
    told = [line["event"] for line in lines if line["logger"] in ("theirs", "fontTools.subset")]
    assert told == ["a line of the application's", "a font is broken"]
    asked = [line["event"] for line in parsed(run(root, LOG_LEVEL="DEBUG"))]
    assert "glyf pruned" in asked


def test_what_is_polled_is_logged_only_when_it_fails(lines: list[dict[str, Any]]) -> None:
    access = [line["event"] for line in lines if line["logger"] == "uvicorn.access"]
    assert [event.split()[3:] for event in access] == [
        ["/health/ready", 'HTTP/1.1"', "503"],
        ["/events/mine", 'HTTP/1.1"', "200"],
    ]


def test_under_honcho_the_lines_are_for_people(root: Path) -> None:
    written = run(root, HONCHO_PROCESS_NAME="web.1")
    lines = written.splitlines()
    assert all(line in lines for line in TRACEBACK)  # a real one, in lines of its own
    assert "local-variable" not in written  # which a Rich traceback would show
    assert not any(line.startswith("{") for line in lines)
    assert "\x1b" not in written


@pytest.mark.parametrize("given", ["json", "console"])
def test_the_setting_decides_in_any_case(root: Path, given: str) -> None:
    written = run(root, LOG_FORMAT=given, HONCHO_PROCESS_NAME="web.1" if given == "json" else "")
    line = next(line for line in written.splitlines() if "it_began" in line)
    assert line.startswith("{") is (given == "json")


def test_a_terminal_has_colours_unless_it_wants_none(root: Path) -> None:
    assert "\x1b[" in on_a_terminal(root)
    written = on_a_terminal(root, NO_COLOR="1")
    assert "it_began" in written and "\x1b[" not in written


def on_a_terminal(folder: Path, **environment: str) -> str:
    """What the program writes to a terminal."""
    ours, theirs = pty.openpty()
    run(folder, theirs, **environment)
    os.close(theirs)
    written = b""
    try:
        while part := os.read(ours, 65536):
            written += part
    except OSError:  # EIO: how Linux tells that the other end is closed
        pass
    os.close(ours)
    return written.decode()

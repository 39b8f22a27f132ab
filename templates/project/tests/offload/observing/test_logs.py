"""How the lines of a process look, by where it runs; each process is a real one."""

import json
import os
import pty
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

# Forked by one that has imported what there is to import, which takes longer than all else.
PROGRAM = """
import json
import logging
import os
import sys
import structlog
from app.offload.observing import logs

for environment, stderr in json.loads(sys.argv[1]):
    if os.fork() == 0:
        os.environ.update(environment)
        os.dup2(stderr, 2)
        break
    os.wait()
else:
    sys.exit()

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
os._exit(0)  # what was imported need not be taken apart in each
"""
TRACEBACK = ["Traceback (most recent call last):", "    fail()", "ValueError: it failed"]


UNDER_HONCHO = {"HONCHO_PROCESS_NAME": "web.1"}
ENVIRONMENTS = {
    "nobody watches": {},
    "debug": {"LOG_LEVEL": "DEBUG"},
    "honcho": UNDER_HONCHO,
    "json": UNDER_HONCHO | {"LOG_FORMAT": "json"},
    "console": {"LOG_FORMAT": "console"},
    "terminal": {},
    "terminal without colours": {"NO_COLOR": "1"},
}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a process writes to stderr, in each of the environments."""
    folder = tmp_path_factory.mktemp("program")  # without a .env
    (folder / "program.py").write_text(PROGRAM)
    ends = {name: pty.openpty() if "terminal" in name else os.pipe() for name in ENVIRONMENTS}
    theirs = [end for _, end in ends.values()]
    to_fork = json.dumps([*zip(ENVIRONMENTS.values(), theirs, strict=True)])
    watched = {"LOG_FORMAT", "LOG_LEVEL", "HONCHO_PROCESS_NAME", "NO_COLOR"}
    given = {name: value for name, value in os.environ.items() if name not in watched}
    given["PYTHONPATH"] = os.pathsep.join([str(Path.cwd()), given.get("PYTHONPATH", "")])
    program = [sys.executable, "program.py", to_fork]
    subprocess.run(program, cwd=folder, env=given, pass_fds=theirs, check=True)
    for end in theirs:
        os.close(end)
    return {name: read(ours) for name, (ours, _) in ends.items()}


def read(end: int) -> str:
    """All that has been written to the other end, which is closed."""
    written = b""
    with suppress(OSError):  # EIO: how Linux tells that a terminal's other end is closed
        while part := os.read(end, 65536):
            written += part
    os.close(end)
    return written.decode()


def parsed(written: str) -> list[dict[str, Any]]:
    """The lines, each a JSON document."""
    return [json.loads(line) for line in written.splitlines()]


@pytest.fixture(scope="module")
def lines(written: dict[str, str]) -> list[dict[str, Any]]:
    """What is written where nobody watches."""
    return parsed(written["nobody watches"])


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
    written: dict[str, str], lines: list[dict[str, Any]]
) -> None:
    told = [line["event"] for line in lines if line["logger"] in ("theirs", "fontTools.subset")]
    assert told == ["a line of the application's", "a font is broken"]
    asked = [line["event"] for line in parsed(written["debug"])]
    assert "glyf pruned" in asked


def test_what_is_polled_is_logged_only_when_it_fails(lines: list[dict[str, Any]]) -> None:
    access = [line["event"] for line in lines if line["logger"] == "uvicorn.access"]
    assert [event.split()[3:] for event in access] == [
        ["/health/ready", 'HTTP/1.1"', "503"],
        ["/events/mine", 'HTTP/1.1"', "200"],
    ]


def test_under_honcho_the_lines_are_for_people(written: dict[str, str]) -> None:
    lines = written["honcho"].splitlines()
    assert all(line in lines for line in TRACEBACK)  # a real one, in lines of its own
    assert "local-variable" not in written["honcho"]  # which a Rich traceback would show
    assert not any(line.startswith("{") for line in lines)
    assert "\x1b" not in written["honcho"]


@pytest.mark.parametrize("given", ["json", "console"])
def test_the_setting_decides_in_any_case(written: dict[str, str], given: str) -> None:
    line = next(line for line in written[given].splitlines() if "it_began" in line)
    assert line.startswith("{") is (given == "json")


def test_a_terminal_has_colours_unless_it_wants_none(written: dict[str, str]) -> None:
    assert "\x1b[" in written["terminal"]
    plain = written["terminal without colours"]
    assert "it_began" in plain and "\x1b[" not in plain

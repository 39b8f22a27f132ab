"""The event loop that stands still, and the code that is named for it."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest

from service import COMMANDS, ROOT, Service, private_database, wait_until

STALL_SECONDS = 0.25


@pytest.fixture(scope="module")
def planted(
    tmp_path_factory: pytest.TempPathFactory, own_settings: Callable[[], dict[str, str]]
) -> Iterator[Service]:
    """The service with the planted routes."""
    folder = tmp_path_factory.mktemp("planted")
    web = COMMANDS["web"].replace("app.main:app", "planted:app")
    with pytest.MonkeyPatch.context() as patch, private_database(folder) as url:
        patch.setitem(COMMANDS, "web", web)
        with Service(folder, url, **own_settings(), API_KEY="") as running:
            yield running


def stalls(service: Service) -> list[dict[str, Any]]:
    """What the service tells of, the newest first."""
    return list(service.http.get("/dev/stalls").json())


def value(service: Service, metric: str) -> float:
    """What a metric without labels says."""
    lines = service.http.get("/metrics").text.splitlines()
    (found,) = (line for line in lines if line.startswith(f"{metric} "))
    return float(found.split()[1])


def counted(service: Service) -> float:
    """How many stalls were counted."""
    return value(service, "event_loop_stalls_total")


def logged(service: Service, event: str) -> list[dict[str, Any]]:
    """The lines of one event."""
    lines = service.log.read_text().splitlines()
    return [json.loads(line) for line in lines if f'"event": "{event}"' in line]


def line_of(file: str, words: str) -> int:
    """The number of the line that holds the words."""
    lines = (ROOT / file).read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if words in line)


def stall_by(service: Service, path: str, file: str) -> dict[str, Any]:
    """The newest stall that is blamed on the file, which asking for the path has caused.

    Where the machine is busy a stall may be over before the watch has had its turns.
    """

    def look() -> list[dict[str, Any]]:
        service.http.get(path)
        return [stall for stall in stalls(service) if stall["look"]["file"] == file]

    return wait_until(look, f"{file} to be named")[0]


def test_a_sleep_is_named_with_file_and_line(planted: Service) -> None:
    file, before = "tests/faults/planted.py", counted(planted)
    found = stall_by(planted, "/planted/sleep", file)
    look = found["look"]
    assert (look["function"], look["line"]) == ("sleep_on_the_loop", line_of(file, "time.sleep(1)"))
    assert "time.sleep(1)" in look["stack"].splitlines()[-1]
    assert found["seconds"] >= STALL_SECONDS
    assert counted(planted) > before
    event = logged(planted, "event_loop_stalled")[-1]
    assert {name: event[name] for name in look} == look
    assert logged(planted, "event_loop_resumed")[-1]["seconds"] == round(found["seconds"], 3)


def test_the_long_computation_is_named_too(planted: Service) -> None:
    stack = stall_by(planted, "/planted/compute", "app/compute.py")["look"]["stack"]
    assert "planted.py" in stack and "compute_on_the_loop" in stack


def test_nobody_is_accused_of_being_idle_busy_or_stopped(planted: Service) -> None:
    wait_until(lambda: planted.http.get("/dev/stalls").status_code == 200, "an answer")
    before = counted(planted)
    burners = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"])
        for _ in range(2 * (psutil.cpu_count() or 1))
    ]
    try:
        dataset = planted.put_nile()
        report = planted.submit(dataset, resamples=2000)
        for _ in range(5):
            planted.http.get("/planted/many-short")
        planted.wait_for(report, "succeeded")
        planted.send(signal.SIGSTOP, "web")
        time.sleep(4 * STALL_SECONDS)  # stopped for longer than is allowed
        planted.send(signal.SIGCONT, "web")
        assert planted.http.get("/health/live").status_code == 200
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()
    assert counted(planted) == before, stalls(planted)


def test_the_lag_is_measured(planted: Service) -> None:
    def measured() -> bool:
        return value(planted, "event_loop_lag_seconds_count") > 0

    wait_until(measured, "the lag")

"""What jobs make in an object store: a generated service against moto's S3 server."""

import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import FASTOFFLOAD, VARIANTS
from moto.server import ThreadedMotoServer

LIMIT_SECONDS = 90
BUCKET = "bucket"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask(
    method: str, url: str, body: bytes | None = None, kind: str = "application/json"
) -> tuple[int, bytes]:
    """Status and body of the answer."""
    request = urllib.request.Request(url, body, {"Content-Type": kind}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=LIMIT_SECONDS) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


class S3:
    """A server that can go away and come back with what it had."""

    def __init__(self) -> None:
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"

    @contextmanager
    def reachable(self) -> Iterator[None]:
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=self._port, verbose=False)
        server.start()
        try:
            yield
        finally:
            server.stop()

    def keys(self) -> list[str]:
        _, listing = ask("GET", f"{self.url}/{BUCKET}?list-type=2")
        return re.findall(r"<Key>(.*?)</Key>", listing.decode())


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> S3:
    """A server with an empty bucket, not reachable yet; the environment names it."""
    store = S3()
    monkeypatch.setenv("AWS_ENDPOINT_URL", store.url)
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with store.reachable():
        ask("POST", f"{store.url}/moto-api/reset")
        assert ask("PUT", f"{store.url}/{BUCKET}")[0] == 200
    return store


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installed project whose reports are stored by one process and read by another."""
    folder = tmp_path_factory.mktemp("s3") / "demo"
    command = (*FASTOFFLOAD, "new", str(folder), *VARIANTS["executor-process"], "--no-git")
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return folder


class Service:
    """The service as its Procfile starts it."""

    def __init__(self, project: Path, folder: Path) -> None:
        self._project, self._folder = project, folder
        self._port = free_port()
        self.log = folder / "log.txt"

    @contextmanager
    def running(self, **settings: str) -> Iterator[None]:
        environment = {
            "DATABASE_URL": f"sqlite:///{self._folder / 'app.db'}",
            "JOB_WORKERS": "1",
            "PATH": os.pathsep.join((str(self._project / ".venv" / "bin"), os.environ["PATH"])),
            "STORAGE_URL": f"s3://{BUCKET}/kept",
            "SWEEP_SECONDS": "0.5",
            "WEB_PORT": str(self._port),
            **settings,
        }
        command = (self._project / "Procfile").read_text().removeprefix("web: ")
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                ["sh", "-c", command],
                cwd=self._project,
                env=os.environ | environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            wait_until(self._is_ready)
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(LIMIT_SECONDS)

    def _is_ready(self) -> bool:
        try:
            return self.ask("GET", "/health/ready")[0] == 200
        except OSError:
            return False

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        kind = "text/csv" if method == "PUT" else "application/json"
        return ask(method, f"http://127.0.0.1:{self._port}{path}", body, kind)

    def submit(self) -> str:
        """Ask for a report of the sample; its path."""
        sample = (self._project / "app/jobs/report/page/nile.csv").read_bytes()
        assert self.ask("PUT", "/reports/datasets/nile", sample)[0] in (200, 201)
        asked = {"dataset": "nile", "title": "Nile", "resamples": 200}
        status, answer = self.ask("POST", "/reports", json.dumps(asked).encode())
        assert status == 202, answer
        return f"/reports/{json.loads(answer)['id']}"

    def wait_for(self, path: str, condition: Callable[[dict[str, Any]], bool]) -> None:
        wait_until(lambda: condition(json.loads(self.ask("GET", path)[1])))


def has_succeeded(report: dict[str, Any]) -> bool:
    assert report["status"] not in ("failed", "cancelled"), report
    return bool(report["status"] == "succeeded")


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + LIMIT_SECONDS
    while not condition():
        assert time.monotonic() < end, "the condition never held"
        time.sleep(0.1)


@pytest.fixture
def service(project: Path, tmp_path: Path) -> Service:
    return Service(project, tmp_path)


def test_the_engines_own_tests_of_stores_pass_on_it_and_leave_nothing(
    project: Path, s3: S3
) -> None:
    python = project / ".venv" / "bin" / "python"
    tests = ("tests/offload/files/test_store.py",)
    with s3.reachable():
        done = subprocess.run(
            [python, "-m", "pytest", "-q", *tests],
            cwd=project,
            env=os.environ | {"STORAGE_URL": f"s3://{BUCKET}/units"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert s3.keys() == []


def test_a_report_is_stored_found_and_deleted_with_its_row(service: Service, s3: S3) -> None:
    with s3.reachable():
        with service.running():
            report = service.submit()
            service.wait_for(report, has_succeeded)
            status, document = service.ask("GET", f"{report}/artifacts/report.pdf")
            assert (status, document[:4]) == (200, b"%PDF")
            [key] = s3.keys()
            assert key.startswith("kept/")
        with service.running(RETENTION_DAYS="0.000001"):
            wait_until(lambda: service.ask("GET", report)[0] == 404)
        assert s3.keys() == []


def test_a_report_outlives_a_store_that_is_away(service: Service, s3: S3) -> None:
    with service.running():
        report = service.submit()
        service.wait_for(report, lambda found: bool(found["history"]))
        with s3.reachable():
            service.wait_for(report, has_succeeded)
            assert service.ask("GET", f"{report}/artifacts/report.pdf")[0] == 200
        assert service.ask("GET", f"{report}/artifacts/report.pdf")[0] == 503


def test_a_bucket_that_does_not_exist_fails_the_report_at_once(service: Service, s3: S3) -> None:
    with s3.reachable(), service.running(STORAGE_URL="s3://another/kept"):
        report = service.submit()
        service.wait_for(report, lambda found: bool(found["status"] == "failed"))
        found = json.loads(service.ask("GET", report)[1])
        assert (found["attempts"], found["error"]["code"]) == (1, "work_failed")

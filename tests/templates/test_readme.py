"""The generated README at its word: code goes where it says, commands are run as typed."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import FASTOFFLOAD, VARIANTS

LIMIT_SECONDS = 600  # of a command, on a busy machine
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SERVE = "uv run start.py"
ADDRESS = "127.0.0.1:8000"
# What other tests do, or what no machine of the tests has.
ELSEWHERE = (
    *("uv run fastapi dev", "uv run pytest", "fastoffload recipes", "fastoffload update"),
    *("fastoffload switch celery", "fastoffload add thumbnails --recipe image"),
    "API_KEY=… POSTGRES_PASSWORD=… docker compose up --build --detach",
)
HERE = [name for name in VARIANTS if not name.endswith("rabbitmq")]  # which no project embeds
TABLE = """\
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base


class Count(Base):
    __tablename__ = "counts"
    id: Mapped[int] = mapped_column(primary_key=True)
    words: Mapped[int]
"""


class Reader:
    """Whoever does what the README says, from its top on."""

    def __init__(self, project: Path, checked: Path) -> None:
        self._project = project
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = str(free.getsockname()[1])
        programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self._environment = os.environ | {
            "PATH": programs,
            "WEB_PORT": self._port,
            "MYPY_CACHE_DIR": str(checked),  # what one variant has of the libraries, others take
        }
        self._environment.pop("VIRTUAL_ENV", None)
        self.answers: list[str] = []

    def read(self) -> None:
        """Do all of it."""
        for language, text in BLOCK.findall((self._project / "README.md").read_text()):
            if language == "python":
                path, _, code = text.removeprefix("# ").partition("\n")
                (self._project / path).write_text(code)
            else:
                self._run([line.partition("  #")[0].strip() for line in text.splitlines()])

    def _run(self, commands: list[str]) -> None:
        here = [command for command in commands if command not in (SERVE, *ELSEWHERE)]
        if any(command.startswith("curl ") for command in here):
            with self._served():
                self.answers += [self.type(command) for command in here]
            return
        if any("--autogenerate" in command for command in here):
            (self._project / "app" / "jobs" / "words" / "tables.py").write_text(TABLE)
        for command in here:
            self.type(command)

    def type(self, command: str) -> str:
        """Run it; what it says."""
        done = subprocess.run(
            ["/bin/sh", "-c", command.replace(ADDRESS, f"127.0.0.1:{self._port}")],
            cwd=self._project,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    @contextmanager
    def _served(self) -> Iterator[None]:
        log = (self._project.parent / "log").open("w")
        with (
            log,
            subprocess.Popen(
                SERVE.split(), cwd=self._project, env=self._environment, stdout=log, stderr=log
            ) as service,
        ):
            try:
                self._wait_until_ready()
                yield
            finally:
                service.send_signal(signal.SIGINT)

    def _wait_until_ready(self) -> None:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        end = time.monotonic() + LIMIT_SECONDS
        while time.monotonic() < end:
            try:
                opener.open(f"http://127.0.0.1:{self._port}/health/ready", timeout=5).close()
                return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("the service never got ready")


@pytest.mark.xdist_group("readme")
@pytest.mark.parametrize("variant", HERE)
def test_all_that_it_says_works_on_a_new_project(
    tmp_path: Path, shared: Path, variant: str
) -> None:
    project = tmp_path / "demo"
    subprocess.run(
        [*FASTOFFLOAD, "new", project, *VARIANTS[variant]], check=True, capture_output=True
    )
    reader = Reader(project, shared / "mypy")

    reader.read()

    accepted, listed = reader.answers
    assert '"kind":"words"' in accepted
    assert '"kind":"words"' in listed
    [migration] = (project / "migrations" / "versions").glob("*what_changed.py")
    assert "counts" in migration.read_text()
    reader.type("uv run ruff check . && uv run ruff format --check .")  # as its CI does

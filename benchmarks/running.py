"""A project's service as it is run for real: the commands of its Procfile, in a folder."""

import itertools
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
from client import Client
from honcho.environ import parse_procfile
from projects import Project

LIMIT_SECONDS = 120  # for whatever is waited for: generous, because machines are busy
LEFT_SECONDS = 10  # for processes that end because their parent has

_numbers = itertools.count()


class Service:
    """Starts and stops the commands, each in a session of its own."""

    def __init__(self, project: Project, folder: Path, environment: dict[str, str]) -> None:
        self.project, self.folder, self.environment = project, folder, environment
        self.log = folder / "log.txt"
        self.commands = dict(parse_procfile((project.folder / "Procfile").read_text()).processes)
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, command: str | None = None, **settings: str) -> None:
        """Start a command of the Procfile, or another one under a name of its own."""
        with self.log.open("ab") as log:
            self._running[name] = subprocess.Popen(
                command or self.commands[name],
                shell=True,
                cwd=self.folder,
                env=self.environment | settings,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def client(self) -> Client:
        """A connection to the API."""
        return Client(int(self.environment["WEB_PORT"]))

    def wait_until_ready(self) -> None:
        """Wait until the API says that it is."""
        self.wait_until(self._is_ready, "readiness")

    def wait_until(self, look: Callable[[], bool], what: str, pause: float = 0.1) -> None:
        """Look until it is true. Raises RuntimeError when a command ends, or it takes too long."""
        end = time.monotonic() + LIMIT_SECONDS
        while not look():
            ended = [name for name, command in self._running.items() if command.poll() is not None]
            if ended or time.monotonic() > end:
                log = self.log.read_text()[-3000:]
                raise RuntimeError(f"no {what} of {self.project.variant}; ended: {ended}\n{log}")
            time.sleep(pause)

    def megabytes(self, names: Iterable[str]) -> float:
        """The memory of all processes of commands, what they share counted once (PSS)."""
        total = 0
        for process in _processes_of({self._running[name].pid for name in names}):
            try:
                total += process.memory_full_info().pss
            except psutil.Error:
                continue
        return total / 1e6

    def stop(self) -> None:
        """SIGTERM to all commands, the broker last. Raises RuntimeError if anything is left."""
        users = [command for name, command in self._running.items() if name != "broker"]
        brokers = [command for name, command in self._running.items() if name == "broker"]
        try:
            for commands in (users, brokers):
                for command in commands:
                    command.send_signal(signal.SIGTERM)
                for command in commands:
                    command.wait(LIMIT_SECONDS)
        finally:
            self._end_what_is_left()

    def _end_what_is_left(self) -> None:
        sessions = {command.pid for command in self._running.values()}
        end = time.monotonic() + LEFT_SECONDS
        while (left := _processes_of(sessions)) and time.monotonic() < end:
            time.sleep(0.1)
        for process in left:
            process.kill()
        if left:
            raise RuntimeError(f"{self.project.variant} left {left}")

    def _is_ready(self) -> bool:
        try:
            self.client().ask("GET", "/health/ready")
        except (OSError, RuntimeError):
            return False
        return True


@contextmanager
def in_a_folder(project: Project, **settings: str) -> Iterator[Service]:
    """A service with a database and a queue of its own, nothing of it started yet."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        queue = f"benchmark-{os.getpid()}-{next(_numbers)}"
        environment = project.environment(
            DATABASE_URL=stack.enter_context(_database(project, folder)),
            QUEUE_NAME=queue,
            STORAGE_URL=str(folder / "pdfs"),
            WEB_PORT=str(_free_port()),
            **settings,
        )
        service = Service(project, folder, environment)
        if "broker" in service.commands and "BROKER_URL" in os.environ:
            stack.callback(_forget, project, queue)
        stack.callback(service.stop)
        yield service


@contextmanager
def _database(project: Project, folder: Path) -> Iterator[str]:
    with subprocess.Popen(
        project.script("database.py", folder),
        env=project.environment(*project.tests),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout
        yield holder.stdout.readline().strip()


def _forget(project: Project, queue: str) -> None:
    environment = project.environment(*project.tests, QUEUE_NAME=queue)
    subprocess.run(project.script("forget.py"), env=environment, check=True)


def _processes_of(sessions: set[int]) -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if _session(process) in sessions]


def _session(process: psutil.Process) -> int | None:
    try:
        return None if process.status() == psutil.STATUS_ZOMBIE else os.getsid(process.pid)
    except (psutil.NoSuchProcess, ProcessLookupError):
        return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

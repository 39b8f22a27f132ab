"""A way as it is run for real: the commands of the project's Procfile, in a folder of its own."""

import itertools
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil
from honcho.environ import parse_procfile  # type: ignore[import-untyped]

from fastoffload.bench.service.client import Client, RefusedError
from fastoffload.bench.service.folder import private_folder
from fastoffload.bench.service.projects import INSIDE, Project
from fastoffload.bench.service.ways import APP, Way
from fastoffload.errors import FastoffloadError
from fastoffload.system.processes import held

LIMIT_SECONDS = 120  # for whatever is waited for: generous, because machines are busy
QUOTE = "'"
LEFT_SECONDS = 10  # for processes that end because their parent has

_numbers = itertools.count()


class Service:
    """Starts, kills and stops the commands, each in a session of its own."""

    def __init__(self, way: Way, folder: Path, environment: dict[str, str]) -> None:
        self.way, self.folder, self.environment = way, folder, environment
        self.log = folder / "log.txt"
        self.commands = _commands(way)
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def port(self) -> int:
        """That of the API."""
        return int(self.environment["WEB_PORT"])

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

    def start_all(self) -> float:
        """Start everything; how many seconds until the API was ready."""
        start = time.monotonic()
        for name in self.commands:
            self.start(name)
        self.wait_until_ready()
        return time.monotonic() - start

    def client(self) -> Client:
        """A connection to the API."""
        return Client(self.port)

    def wait_until_ready(self) -> None:
        """Wait until the API says that it is."""
        self.wait_until(self._is_ready, "readiness", pause=0.02)

    def wait_until(
        self,
        look: Callable[[], bool],
        what: str,
        pause: float = 0.1,
        limit: float = LIMIT_SECONDS,
    ) -> None:
        """Look until it is true.

        Raises FastoffloadError when a command ends by itself, or when it takes too long.
        """
        end = time.monotonic() + limit
        while not look():
            ended = [name for name, command in self._running.items() if command.poll() is not None]
            if ended or time.monotonic() > end:
                why = f"{ended[0]} ended" if ended else f"not within {limit:.0f} s"
                raise FastoffloadError(f"{self.way.name}: no {what} ({why}){self._last_words()}")
            time.sleep(pause)

    def memory(self, name: str) -> tuple[float, float]:
        """That of all processes of a command, in megabytes: PSS, which counts what they share once,
        and what is theirs alone (USS)."""
        shares = own = 0
        for process in _processes_of({self._running[name].pid}):
            with suppress(psutil.Error):
                found = process.memory_full_info()
                own += found.uss
                shares += getattr(found, "pss", found.uss)  # macOS has no PSS
        return shares / 1e6, own / 1e6

    def processes(self) -> list[psutil.Process]:
        """All that live."""
        return _processes_of({command.pid for command in self._running.values()})

    def kill(self, name: str) -> None:
        """SIGKILL to every process of a command."""
        command = self._running[name]
        _kill({command.pid})
        command.wait()
        del self._running[name]

    def kill_all(self) -> None:
        """SIGKILL to everything."""
        with held():
            _kill({command.pid for command in self._running.values()})
            for command in self._running.values():
                command.wait()

    def _is_ready(self) -> bool:
        try:
            self.client().ask("GET", "/health/ready")
        except (OSError, RefusedError):
            return False
        return True

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return f"; its log ends: {lines[-1]}" if lines else ""


def as_it_is(project: Project, folder: Path) -> None:
    """The project's application: the Procfile's commands find it in the folder they run in."""
    (folder / "app").symlink_to(project.folder / "app")


def with_empty_jobs(project: Project, folder: Path) -> None:
    """The project's engine, with jobs that do nothing."""
    shutil.copytree(INSIDE / "empty_app", folder / "app")
    shutil.copytree(project.folder / "app" / "offload", folder / "app" / "offload")


@contextmanager
def in_a_folder(
    way: Way, settings: Mapping[str, str], lay_out: Callable[[Project, Path], None] = as_it_is
) -> Iterator[Service]:
    """A service with a database and a queue of its own, nothing of it started yet."""
    project = way.project
    with ExitStack() as stack:
        folder = stack.enter_context(private_folder())
        queue = f"benchmark-{os.getpid()}-{next(_numbers)}"
        lay_out(project, folder)
        environment = project.environment(
            folder,
            INSIDE,
            DATABASE_URL=stack.enter_context(private_database(project, folder)),
            QUEUE_PREFIX=queue,
            TMPDIR=str(folder),  # what is killed clears nothing away
            STORAGE_URL=str(folder / "files"),
            WEB_PORT=str(free_port()),
            **settings,
        )
        service = Service(way, folder, environment)
        if project.broker_url:
            stack.callback(_forget, project, queue, folder)
        stack.callback(service.kill_all)  # a graceful end would only take its time
        yield service


def _commands(way: Way) -> dict[str, str]:
    procfile = (way.project.folder / "Procfile").read_text()
    commands: dict[str, str] = dict(parse_procfile(procfile).processes)
    if APP not in commands.get("web", ""):
        raise FastoffloadError(f"{way.project.folder}/Procfile: `web` does not serve {APP}")
    commands["web"] = commands["web"].replace(APP, way.app)
    if way.servers > 1:
        # Within the quotes: the launcher takes the server's command as one argument.
        commands["web"] = f"{commands['web'].removesuffix(QUOTE)} --workers {way.servers}{QUOTE}"
    return commands


@contextmanager
def private_database(project: Project, folder: Path) -> Iterator[str]:
    """The URL of an empty database: a file in the folder, or one on the server of DATABASE_URL."""
    with subprocess.Popen(
        project.command("database.py", folder),
        env=project.environment(project.tests),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # it goes when we do, not by a Ctrl-C of its own
    ) as holder:
        assert holder.stdout
        url = holder.stdout.readline().strip()
        if not url:
            raise FastoffloadError("the database of DATABASE_URL cannot be used; see above")
        yield url


def _forget(project: Project, queue: str, folder: Path) -> None:
    environment = project.environment(project.tests, QUEUE_PREFIX=queue)
    project.script("forget.py", env=environment, cwd=folder)


def _kill(sessions: set[int]) -> None:
    end = time.monotonic() + LEFT_SECONDS
    while (left := _processes_of(sessions)) and time.monotonic() < end:
        for process in left:
            with suppress(psutil.Error):
                process.kill()
        time.sleep(0.02)


def _processes_of(sessions: set[int]) -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if _session(process) in sessions]


def _session(process: psutil.Process) -> int | None:
    try:
        return None if process.status() == psutil.STATUS_ZOMBIE else os.getsid(process.pid)
    except (psutil.NoSuchProcess, ProcessLookupError):
        return None


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

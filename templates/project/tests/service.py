"""The service as it is run for real: the commands of the Procfile, on a free port, in a folder."""

import os
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx
import psutil
from honcho.environ import parse_procfile
from sqlalchemy import URL, Connection, create_engine, make_url, text

from fault import Fault

T = TypeVar("T")

ROOT = Path(__file__).resolve().parent.parent
NILE = (ROOT / "samples" / "nile.csv").read_bytes()
# What is started, in order; and what must end before what follows.
COMMANDS = dict(parse_procfile((ROOT / "Procfile").read_text()).processes)
LIMIT_SECONDS = 90  # for whatever is waited for: generous, because machines are busy
ENDED = {"succeeded", "failed", "cancelled"}

# Short, so that what is waited for comes soon.
QUICK = {
    "JOB_LEASE_SECONDS": "5",
    "JOB_WORKERS": "2",
    "RETRY_SECONDS": "0.1",
    "RING_AGAIN_SECONDS": "600",  # nobody should need to be rung for twice
    "SHUTDOWN_GRACE_SECONDS": "2",
    "SWEEP_SECONDS": "0.5",
}

# For tests in which the janitor must not come to the rescue.
LONG_LEASE = {"JOB_LEASE_SECONDS": "600"}


def wait_until(look: Callable[[], T], what: str) -> T:
    """The first true value of `look`. Fails when there is none within LIMIT_SECONDS."""
    end = time.monotonic() + LIMIT_SECONDS
    while not (found := look()):
        assert time.monotonic() < end, f"waited {LIMIT_SECONDS} s in vain: {what}"
        time.sleep(0.05)
    return found


class Service:
    """Starts, asks, kills and stops the service; what it keeps survives a restart."""

    def __init__(self, folder: Path, database_url: str, **settings: str) -> None:
        self.folder = folder
        self.log = folder / "log.txt"
        self._port = free_port()
        self._commands: dict[str, subprocess.Popen[bytes]] = {}
        self.database_url = database_url
        self.environment = os.environ | {
            "DATABASE_URL": database_url,
            "FAULTS_FOLDER": str(folder),
            "PROMETHEUS_MULTIPROC_DIR": "",  # none of anybody else's
            "PYTHONPATH": os.pathsep.join((str(ROOT / "tests" / "faults"), str(ROOT))),
            "PYTHONUNBUFFERED": "1",
            "STORAGE_URL": str(folder / "pdfs"),
            "WEB_PORT": str(self._port),
            **QUICK,
            **settings,
        }
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self._port}", timeout=LIMIT_SECONDS)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()
        self.http.close()

    def start(self, web_options: str = "", until: Callable[[], bool] | None = None) -> Self:
        """Start every command of the Procfile and wait until the service is ready, or `until`."""
        for name in COMMANDS:
            self.start_command(name, web_options if name == "web" else "")
        is_up = until or self.is_ready
        wait_until(lambda: is_up() or not self.is_running(), f"an answer; see {self.log}")
        assert self.is_running(), self.log.read_text()
        return self

    def start_command(self, name: str, options: str = "", another: str = "") -> None:
        """Start one command of the Procfile; another one beside it if that has a name."""
        with self.log.open("ab") as log:
            self._commands[another or name] = subprocess.Popen(
                f"{COMMANDS[name]} {options}",
                shell=True,
                cwd=self.folder,  # where no .env of the project's is read
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def is_ready(self) -> bool:
        """Whether the service says so itself."""
        return self.status("/health/ready") == 200

    def status(self, path: str) -> int | None:
        """The status code of a GET, or None when there is no answer."""
        try:
            return self.http.get(path).status_code
        except httpx.TransportError:
            return None

    def is_running(self) -> bool:
        """Whether all commands still run."""
        return all(command.poll() is None for command in self._commands.values())

    def kill(self, *names: str) -> None:
        """SIGKILL to the groups of the commands named, or all.

        Processes out of the groups must end by themselves.
        """
        commands = [self._commands[name] for name in names or self._commands]
        for command in commands:
            with suppress(ProcessLookupError):
                os.killpg(command.pid, signal.SIGKILL)
            command.wait()
        wait_until(lambda: not processes_of(commands), "no process to be left")

    def kill_leaders(self) -> None:
        """SIGKILL to the first process of every command, and to no other."""
        for command in self._commands.values():
            command.kill()
            command.wait()

    def wait_until_gone(self) -> None:
        """Wait until no process of the service is left."""
        wait_until(lambda: not self.processes(), "no process to be left")

    def stop(self, how: signal.Signals = signal.SIGTERM, *names: str) -> None:
        """Send a signal to the commands named, or all, then wait for them to end."""
        self.send(how, *names)
        self.wait_until_ended(*names)

    def send(self, how: signal.Signals, *names: str) -> None:
        """Send a signal to the first process of the commands named, or of all but the broker."""
        for name in names or self._commands.keys() - {"broker"}:
            self._commands[name].send_signal(how)

    def wait_until_ended(self, *names: str) -> None:
        """Wait for the commands named, or all, to end. A broker outlives those that use it."""
        for name in names or self._commands:
            if name == "broker":
                self._commands[name].terminate()
            self._commands[name].wait(LIMIT_SECONDS)

    def processes(self) -> list[psutil.Process]:
        """All processes of the service that live, those too whose parent does not."""
        return processes_of(self._commands.values())

    def put_nile(self) -> str:
        """Store the sample under a name of its own."""
        name = f"nile-{uuid.uuid4().hex[:8]}"
        answer = self.http.put(
            f"/datasets/{name}", content=NILE, headers={"Content-Type": "text/csv"}
        )
        assert answer.status_code == 201, answer.text
        return name

    def submit(self, dataset: str, *, seed: int = 1, resamples: int = 200) -> dict[str, Any]:
        """Ask for a report."""
        body = {"dataset": dataset, "title": "Nile", "resamples": resamples, "seed": seed}
        answer = self.http.post("/reports", json=body)
        assert answer.status_code == 202, answer.text
        return dict(answer.json())

    def report(self, report: dict[str, Any]) -> dict[str, Any]:
        """The report as it stands now."""
        answer = self.http.get(f"/reports/{report['id']}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def wait_for(self, report: dict[str, Any], *statuses: str) -> dict[str, Any]:
        """The report as soon as it has one of the statuses; any end if none is given."""
        wanted = set(statuses) or ENDED

        def look() -> dict[str, Any] | None:
            found = self.report(report)
            assert found["status"] in wanted or found["status"] not in ENDED, found
            return found if found["status"] in wanted else None

        return wait_until(look, f"{report['id']} to be {' or '.join(wanted)}")

    def let_go(self) -> None:
        """Let the reports go on that Fault.HELD holds."""
        (self.folder / "let-go").touch()

    def runs(self, fault: Fault) -> list[int]:
        """The process ids in which the computation met a fault, in order."""
        runs = self.folder / "runs"
        lines = runs.read_text().splitlines() if runs.exists() else []
        return [int(pid) for name, pid in map(str.split, lines) if name == fault.name]

    def pdfs(self) -> list[Path]:
        """The PDFs that are kept."""
        return sorted((self.folder / "pdfs").rglob("*.pdf"))


ServiceMaker = Callable[..., Service]
"""Makes a service of a test's own, not started yet; settings may be given."""


@contextmanager
def private_database(folder: Path) -> Iterator[str]:
    """The URL of an empty database: SQLite in the folder, or one on the server of DATABASE_URL."""
    given = os.environ.get("DATABASE_URL", "sqlite://")
    if given.startswith("sqlite"):
        yield f"sqlite:///{folder / 'app.db'}"
        return
    url = make_url(given).set(drivername="postgresql+psycopg")
    name = f"test_{uuid.uuid4().hex}"
    with _autocommit(url) as server:
        server.execute(text(f"CREATE DATABASE {name}"))
        yield url.set(database=name).render_as_string(hide_password=False)
        server.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def processes_of(commands: Iterable[subprocess.Popen[bytes]]) -> list[psutil.Process]:
    """All processes in the sessions of the commands."""
    sessions = {command.pid for command in commands}
    return [process for process in psutil.process_iter() if _session(process) in sessions]


@contextmanager
def database_away(url: str) -> Iterator[None]:
    """Meanwhile PostgreSQL serves nobody, as while it restarts, and SQLite lets nobody write."""
    if url.startswith("sqlite"):
        with _autocommit(url) as lock:
            lock.execute(text("BEGIN IMMEDIATE"))
            yield
            lock.execute(text("ROLLBACK"))
        return
    name = make_url(url).database
    with _autocommit(make_url(url).set(database="postgres")) as server:
        server.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false"))
        kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
        server.execute(text(kill), {"name": name})
        yield
        server.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true"))


@contextmanager
def _autocommit(url: str | URL) -> Iterator[Connection]:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


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

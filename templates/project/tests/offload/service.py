"""The engine as it is run for real: the commands of the Procfile around a small application.

The application is a copy, in a folder of the test's own: the engine as it lies in the project, and
kinds of jobs that exist in tests only. So no change of the project's own jobs reaches these tests.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx
import psutil
from honcho.environ import parse_procfile

from offload.project import ENGINE, PROCFILE

T = TypeVar("T")

HERE = Path(__file__).resolve().parent
# What is started, in order; and what must end before what follows.
COMMANDS = dict(parse_procfile(PROCFILE.read_text()).processes)
LIMIT_SECONDS = 120  # for whatever is waited for: generous, because machines are busy
ENDED = {"succeeded", "failed", "cancelled"}
LONG_LEASE = {"JOB_LEASE_SECONDS": "600"}  # for tests in which no janitor must come to the rescue

# Short, so that what is waited for comes soon.
QUICK = {
    "JOB_LEASE_SECONDS": "4",
    "JOB_WORKERS": "2",
    "LOG_FORMAT": "json",
    "SHUTDOWN_GRACE_SECONDS": "1",
    "SWEEP_SECONDS": "0.2",
    "WATCH_SECONDS": "0.1",
}


def wait_until(look: Callable[[], T], what: str) -> T:
    """The first true value of `look`. Fails when there is none within LIMIT_SECONDS."""
    end, pause = time.monotonic() + LIMIT_SECONDS, 0.02
    while not (found := look()):
        assert time.monotonic() < end, f"waited {LIMIT_SECONDS} s in vain: {what}"
        time.sleep(pause)
        pause = min(1.2 * pause, 0.2)  # a look takes time of the processors, which others need
    return found


def lay_out(folder: Path) -> None:
    """Copy the engine and the small application into a folder."""
    app = folder / "app"
    if not app.exists():
        # Byte code goes along, or each start compiles anew; not what is being written just now.
        ignore = shutil.ignore_patterns("*.pyc.*")
        shutil.copytree(HERE / "site", app, ignore=ignore)
        shutil.copytree(ENGINE, app / "offload", ignore=ignore)
        (app / "__init__.py").touch()


class Service:
    """Starts, asks, kills and stops the service; what it keeps survives a restart."""

    def __init__(self, folder: Path, database_url: str, **settings: str) -> None:
        lay_out(folder)
        self.folder, self.log = folder, folder / "log.txt"
        # Short: the name of the socket of multiprocessing's fork server has 108 bytes at the most.
        self.scratch = Path(tempfile.mkdtemp(prefix="o-"))
        self._port = free_port()
        self._commands: dict[str, subprocess.Popen[bytes]] = {}
        self.database_url = database_url
        self.environment = _without_settings() | {
            "DATABASE_URL": database_url,
            "FAULTS_FOLDER": str(folder),
            "PYTHONPATH": str(folder),
            "PYTHONUNBUFFERED": "1",
            "QUEUE_PREFIX": f"test-{uuid.uuid4().hex[:12]}",  # services may share a broker
            "STORAGE_URL": str(folder / "files"),
            "TMPDIR": str(self.scratch),
            "WEB_PORT": str(self._port),
            **QUICK,
            **settings,
        }
        self.http = httpx.Client(  # without certificates, which take long to read
            base_url=f"http://127.0.0.1:{self._port}",
            timeout=LIMIT_SECONDS,
            trust_env=False,
            verify=False,
        )

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()
        self.http.close()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def start(self, web_options: str = "") -> Self:
        """Start every command of the Procfile and wait until the service is ready."""
        for name in COMMANDS:
            self.start_command(name, web_options if name == "web" else "")
        try:
            wait_until(lambda: self.is_ready() or not self.is_running(), f"ready: {self.log}")
            assert self.is_running(), self.log.read_text()
        except BaseException:
            self.kill()
            raise
        return self

    def start_command(self, name: str, options: str = "", another: str = "") -> None:
        """Start one command of the Procfile; another one beside it if that has a name."""
        command = COMMANDS[name].removesuffix("'")
        quote = "'" if COMMANDS[name].endswith("'") else ""
        with self.log.open("ab") as log:
            self._commands[another or name] = subprocess.Popen(
                f"{command} {options}{quote}" if options else COMMANDS[name],
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

    def is_command_running(self, name: str) -> bool:
        """Whether one command still runs."""
        return self._commands[name].poll() is None

    def kill(self, *names: str) -> None:
        """SIGKILL to all processes of the commands named, or of all."""
        commands = [self._commands[name] for name in names or self._commands]
        # What starts another process meanwhile may be killed before it.
        wait_until(lambda: not killed(processes_of(commands)), "no process to be left")
        for command in commands:
            command.wait()

    def stop(self, how: signal.Signals = signal.SIGTERM, *names: str) -> None:
        """Send a signal to the commands named, or all, then wait for them to end."""
        self.send(how, *names)
        self.wait_until_ended(*names)

    def send(self, how: signal.Signals, *names: str) -> None:
        """Send a signal to the first process of the commands named, or of all but the broker."""
        for name in names or self._commands.keys() - {"broker"}:
            self._commands[name].send_signal(how)

    def send_to_group(self, how: signal.Signals) -> None:
        """Send a signal as a terminal does: to every process of all groups but the broker's.

        That one's launcher would look for the others below honcho, which is not here.
        """
        for name in self._commands.keys() - {"broker"}:
            with suppress(ProcessLookupError):
                os.killpg(self._commands[name].pid, how)

    def wait_until_ended(self, *names: str) -> None:
        """Wait for the commands named, or all, to end. A broker outlives those that use it."""
        for name in sorted(names or self._commands, key=lambda name: name == "broker"):
            if name == "broker":
                self._commands[name].terminate()
            self._commands[name].wait(LIMIT_SECONDS)

    def processes(self, *names: str) -> list[psutil.Process]:
        """All living processes of the commands named, or all; those too whose parent is gone."""
        return processes_of([self._commands[name] for name in names or self._commands])

    def submit(self, fault: str = "none", kind: str = "fault", **params: Any) -> dict[str, Any]:
        """Ask for a job; one that is held is so until the next `let_go`."""
        if fault == "held":
            (self.folder / "let-go").unlink(missing_ok=True)
        body = {"fault": fault, **params} if kind == "fault" else params
        answer = self.http.post(f"/jobs/{kind}", json=body)
        assert answer.status_code == 202, answer.text
        return dict(answer.json())

    def job(self, job: dict[str, Any]) -> dict[str, Any]:
        """The job as it stands now."""
        answer = self.http.get(f"/jobs/{job['kind']}/{job['id']}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def wait_for(self, job: dict[str, Any], *statuses: str) -> dict[str, Any]:
        """The job as soon as it has one of the statuses; any end if none is given."""
        wanted = set(statuses) or ENDED

        def look() -> dict[str, Any] | None:
            found = self.job(job)
            assert found["status"] in wanted or found["status"] not in ENDED, found
            return found if found["status"] in wanted else None

        return wait_until(look, f"{job['id']} to be {' or '.join(wanted)}; see {self.log}")

    def let_go(self) -> None:
        """Let the jobs go on that are held."""
        (self.folder / "let-go").touch()

    def runs(self, job: dict[str, Any]) -> list[int]:
        """The process ids in which the job was run, in order."""
        runs = self.folder / "runs"
        lines = [line.split() for line in runs.read_text().splitlines()] if runs.exists() else []
        return [int(pid) for job_id, pid, _ in lines if job_id == job["id"]]

    def wait_until_run(self, job: dict[str, Any], times: int = 1) -> list[int]:
        """The process ids of the runs of a job, once there are so many."""
        return wait_until(
            lambda: pids if len(pids := self.runs(job)) >= times else [],
            f"{times} runs of {job['id']}; see {self.log}",
        )

    def files(self) -> list[Path]:
        """What the store keeps."""
        return sorted(path for path in (self.folder / "files").rglob("*") if path.is_file())


ServiceMaker = Callable[..., Service]
"""Makes a service of a test's own, not started yet; settings may be given."""


def _without_settings() -> dict[str, str]:
    """The environment, with nothing in it that leads requests to this machine elsewhere."""
    proxies = {"http_proxy", "https_proxy", "all_proxy", "prometheus_multiproc_dir"}
    return {name: value for name, value in os.environ.items() if name.lower() not in proxies}


def killed(processes: list[psutil.Process]) -> list[psutil.Process]:
    """The same processes, after SIGKILL to each."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    return processes


def processes_of(commands: Iterable[subprocess.Popen[bytes]]) -> list[psutil.Process]:
    """All processes in the sessions of the commands, and their descendants."""
    sessions = {command.pid for command in commands}
    every = psutil.process_iter(["ppid", "status"])
    living = [each for each in every if each.info["status"] != psutil.STATUS_ZOMBIE]
    found = {each.pid: each for each in living if _session(each) in sessions}
    while more := [each for each in living if each.info["ppid"] in found and each.pid not in found]:
        found |= {each.pid: each for each in more}
    return [found[pid] for pid in sorted(found)]


def _session(process: psutil.Process) -> int | None:
    try:
        return os.getsid(process.pid)
    except ProcessLookupError:
        return None


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

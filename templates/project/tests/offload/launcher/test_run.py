"""Every way of ending ends everything; what is set is what the command sees."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil
import pytest

from offload.project import ENGINE
from offload.service import LIMIT_SECONDS, free_port, wait_until

LAUNCHER = f"exec {sys.executable} {ENGINE / 'dev' / 'run.py'}"
START = [sys.executable, str(ENGINE / "dev" / "start.py")]
MANY = 30  # commands, which take a while to start
# Each has a child of its own, and would live for long.
STUBBORN = "trap : TERM HUP INT; sleep 600 & touch up; while :; do wait; done"
SIMPLE = "sleep 600 & touch up; wait"
SLOW = "trap 'sleep 1; echo web >>ended; exit' TERM; touch up; sleep 600 & wait"
LAST = "trap 'echo broker >>ended; exit' TERM; touch last-up; sleep 600 & wait"


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[str]]]:
    """What a test starts; killed afterwards, if it is not gone."""
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdout:
            process.stdout.close()


def line(folder: Path, name: str, script: str, options: str = "") -> str:
    """A line of the Procfile that runs a script."""
    (folder / f"{name}.sh").write_text(script)
    return f"{name}: {LAUNCHER} {options} 'sh {name}.sh'\n"


def start(
    started: list[subprocess.Popen[str]], folder: Path, procfile: str, **settings: str
) -> subprocess.Popen[str]:
    """Start what a Procfile names, in a session of its own."""
    (folder / "Procfile").write_text(procfile)
    process = subprocess.Popen(
        START,
        cwd=folder,
        env=os.environ | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    started.append(process)
    return process


def in_folder(folder: Path) -> list[int]:
    """The processes that work in the folder."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.cwd() == str(folder) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
    return found


def commands(folder: Path) -> dict[str, int]:
    """The command lines of those, by which they are found; some end while they are looked at."""
    found = {}
    for pid in in_folder(folder):
        with suppress(psutil.Error):
            found[" ".join(psutil.Process(pid).cmdline())] = pid
    return found


def is_empty(folder: Path) -> bool:
    """Whether no process works in the folder."""
    return not in_folder(folder)


def test_however_it_ends_nothing_is_left(
    started: list[subprocess.Popen[str]], tmp_path: Path
) -> None:
    ended = []  # all at once, for what heeds no signal is waited for
    for how in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
        folder = tmp_path / how.name
        folder.mkdir()
        ended.append((how, folder, start(started, folder, line(folder, "web", STUBBORN))))
    for how, folder, starter in ended:
        wait_until((folder / "up").exists, "the command to run")
        starter.send_signal(how)
    for how, folder, starter in ended:
        starter.wait(LIMIT_SECONDS)
        wait_until(partial(is_empty, folder), f"nothing to be left after {how.name}")


def test_told_to_stop_in_its_first_moments_it_does(
    started: list[subprocess.Popen[str]], tmp_path: Path
) -> None:
    names = [f"one{number}" for number in range(MANY)]
    starter = start(started, tmp_path, "".join(f"{name}: exec sleep 600\n" for name in names))
    wait_until(psutil.Process(starter.pid).children, "the first of them")
    os.killpg(starter.pid, signal.SIGINT)  # as a terminal does
    output, _ = starter.communicate(timeout=LIMIT_SECONDS)
    assert starter.returncode == 128 + signal.SIGINT
    assert "Traceback" not in output
    wait_until(partial(is_empty, tmp_path), "nothing to be left")


def test_it_ends_when_nobody_reads_it(started: list[subprocess.Popen[str]], tmp_path: Path) -> None:
    starter = start(started, tmp_path, "web: touch up; while :; do echo one more; sleep 0.1; done")
    wait_until((tmp_path / "up").exists, "the command to run")
    assert starter.stdout
    starter.stdout.close()
    starter.wait(LIMIT_SECONDS)
    wait_until(partial(is_empty, tmp_path), "nothing to be left")


def test_a_launcher_that_is_killed_takes_its_command_along(
    started: list[subprocess.Popen[str]], tmp_path: Path
) -> None:
    start(started, tmp_path, line(tmp_path, "web", SIMPLE))
    wait_until((tmp_path / "up").exists, "the command to run")
    for command, pid in commands(tmp_path).items():
        if command.startswith(sys.executable) and "run.py" in command:
            os.kill(pid, signal.SIGKILL)
    wait_until(partial(is_empty, tmp_path), "nothing to be left")


@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_no_signal_ends_what_kills_the_command_when_the_launcher_is_gone(
    started: list[subprocess.Popen[str]], tmp_path: Path, how: str
) -> None:
    start(started, tmp_path, line(tmp_path, "web", SIMPLE))
    wait_until((tmp_path / "up").exists, "the command to run")
    by_line = commands(tmp_path)
    (killer,) = [pid for command, pid in by_line.items() if "read -r" in command]
    (launcher,) = [
        pid
        for command, pid in by_line.items()
        if command.startswith(sys.executable) and "run.py" in command
    ]
    # As a signal to the launcher's group does before the killer has one of its own.
    os.kill(killer, getattr(signal, how))
    os.kill(launcher, signal.SIGKILL)
    wait_until(partial(is_empty, tmp_path), "nothing to be left")


def test_a_command_that_ends_is_started_again(
    started: list[subprocess.Popen[str]], tmp_path: Path
) -> None:
    start(started, tmp_path, line(tmp_path, "worker", "echo x >>starts", "--restart"))
    starts = tmp_path / "starts"
    wait_until(lambda: starts.exists() and len(starts.read_text().split()) > 1, "a second start")


def test_the_last_one_waits_for_the_others(
    started: list[subprocess.Popen[str]], tmp_path: Path
) -> None:
    lines = line(tmp_path, "web", SLOW) + line(tmp_path, "broker", LAST, "--last")
    starter = start(started, tmp_path, lines)
    wait_until(lambda: (tmp_path / "up").exists() and (tmp_path / "last-up").exists(), "both")
    starter.send_signal(signal.SIGTERM)
    starter.communicate(timeout=LIMIT_SECONDS)
    assert (tmp_path / "ended").read_text().split() == ["web", "broker"]


def test_a_port_that_is_taken_is_one_line_before_anything_else(
    started: list[subprocess.Popen[str]], tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        starter = start(started, tmp_path, f"web: {LAUNCHER} --port 'touch begun'", WEB_PORT=port)
        output, _ = starter.communicate(timeout=LIMIT_SECONDS)
    assert starter.returncode != 0
    assert f"port {port}" in output
    assert "WEB_PORT" in output
    assert "Traceback" not in output
    assert not (tmp_path / "begun").exists()


@pytest.mark.parametrize(("host", "words"), [("no.such.host.invalid", "WEB_HOST"), ("", "served")])
def test_another_address_may_be_named(
    started: list[subprocess.Popen[str]], tmp_path: Path, host: str, words: str
) -> None:
    settings = {"WEB_HOST": host, "WEB_PORT": str(free_port())}
    starter = start(started, tmp_path, f"web: {LAUNCHER} --port 'echo served'", **settings)
    output, _ = starter.communicate(timeout=LIMIT_SECONDS)
    assert words in output


def test_the_command_sees_what_the_settings_see(
    started: list[subprocess.Popen[str]], tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("A_SETTING='my reports'\nANOTHER=of-the-file\n")
    show = f"web: {LAUNCHER} 'echo seen $A_SETTING, $ANOTHER'"
    starter = start(started, tmp_path, show, ANOTHER="of-the-environment")
    output, _ = starter.communicate(timeout=LIMIT_SECONDS)
    # What is in the environment comes first, as for the settings; honcho has it the other way.
    assert "seen my reports, of-the-environment" in output


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        (".env", "A=1\nSECRET='s3cret\n", ".env, line 2: "),
        (".env", "A B=s3cret\n", ".env, line 1: "),
        ("Procfile", "web: true\nweb: true\n", "Procfile: process names must be unique"),
        ("Procfile", "", "Procfile names no command"),
    ],
)
def test_what_cannot_be_read_is_one_line_before_anything_else(
    started: list[subprocess.Popen[str]], tmp_path: Path, file: str, text: str, words: str
) -> None:
    (tmp_path / ".env").write_text(text if file == ".env" else "")
    starter = start(started, tmp_path, text if file == "Procfile" else "web: echo begun\n")
    output, _ = starter.communicate(timeout=LIMIT_SECONDS)
    assert starter.returncode == 1
    assert output.startswith(words)
    assert len(output.splitlines()) == 1
    assert "s3cret" not in output

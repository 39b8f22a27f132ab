"""`fastoffload new` is stopped half way, or has no network."""

import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from conftest import FASTOFFLOAD, LIMIT_SECONDS, Cli, names_in

WaitUntil = Callable[[Callable[[], bool]], None]


@pytest.fixture
def silent_index(tmp_path: Path) -> Iterator[tuple[socket.socket, dict[str, str]]]:
    """A package index that accepts connections and never answers, and what makes uv ask it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(LIMIT_SECONDS)
        host, port = server.getsockname()
        cache = tmp_path.with_name(f"{tmp_path.name}-cache")
        yield (
            server,
            {"UV_DEFAULT_INDEX": f"http://{host}:{port}/simple", "UV_CACHE_DIR": str(cache)},
        )


def start(folder: Path, *arguments: str, env: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*FASTOFFLOAD, "new", *arguments, "--defaults"],
        cwd=folder,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def was_interrupted(process: subprocess.Popen[str]) -> None:
    output, errors = process.communicate(timeout=LIMIT_SECONDS)
    assert process.returncode == 130, errors
    assert output == ""
    assert "Traceback" not in errors
    assert errors.splitlines()[-1] == "Error: interrupted; nothing was kept"


def hung_up(connection: socket.socket) -> bool:
    """Whether the other side is gone; what it had sent is read first."""
    connection.settimeout(LIMIT_SECONDS)
    try:
        while connection.recv(4096):
            pass
    except ConnectionResetError:
        pass
    return True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("target", ["a/b/demo", "empty"])
def test_interrupted_while_uv_runs(
    tmp_path: Path,
    silent_index: tuple[socket.socket, dict[str, str]],
    target: str,
    number: signal.Signals,
) -> None:
    server, env = silent_index
    (tmp_path / "empty").mkdir()
    process = start(tmp_path, target, env=env)
    connection, _ = server.accept()
    assert (tmp_path / target / "pyproject.toml").is_file()
    process.send_signal(number)
    was_interrupted(process)
    assert hung_up(connection)
    assert names_in(tmp_path) == ["empty"]
    assert names_in(tmp_path / "empty") == []


def test_interrupted_while_git_runs(tmp_path: Path, wait_until: WaitUntil) -> None:
    work, started = tmp_path / "work", tmp_path / "started"
    work.mkdir()
    # A commit that never ends; the file appears whole, for it is renamed.
    does = f"echo $$ > '{started}.new' && mv '{started}.new' '{started}'; exec sleep 600"
    env = git_whose_commits(tmp_path / "bin", does)
    process = start(work, "demo", "--no-install", env=env)
    wait_until(started.exists)
    child = int(started.read_text())
    assert psutil.pid_exists(child)
    process.send_signal(signal.SIGTERM)
    was_interrupted(process)
    wait_until(lambda: not psutil.pid_exists(child))  # its parent by now may take a moment
    assert names_in(work) == []


def git_whose_commits(folder: Path, does: str) -> dict[str, str]:
    """The environment in which git does something else in place of a commit."""
    folder.mkdir()
    program = folder / "git"
    program.write_text(f"""#!/bin/sh
case "$*" in *"commit --message"*) {does};; esac
exec '{shutil.which("git")}' "$@"
""")
    program.chmod(0o755)
    return {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


@pytest.mark.parametrize("exists", [True, False])
def test_what_somebody_else_put_there_stays(cli: Cli, tmp_path: Path, exists: bool) -> None:
    target = tmp_path / "work" / "demo"
    (target if exists else target.parent).mkdir(parents=True)
    does = f"echo theirs > '{target}/notes.txt'; exit 7"
    env = git_whose_commits(tmp_path / "bin", does)
    result = cli("new", str(target), "-y", "--no-install", env=env)
    assert result.returncode == 1
    assert names_in(target) == ["notes.txt"]
    assert (target / "notes.txt").read_text() == "theirs\n"


def test_a_failing_git_leaves_nothing(cli: Cli, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    env = git_whose_commits(tmp_path / "bin", "echo 'disk on fire' >&2; exit 7")
    result = cli("new", "demo", "-y", "--no-install", cwd=work, env=env)
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith("Error: git commit failed: disk on fire;")
    assert "--no-git" in result.stderr
    assert names_in(work) == []


def test_a_clone_is_as_empty_as_before(cli: Cli, tmp_path: Path) -> None:
    demo = tmp_path / "demo"
    subprocess.run(["git", "init", "--quiet", str(demo)], check=True)
    env = git_whose_commits(tmp_path / "bin", "echo 'disk on fire' >&2; exit 7")
    assert cli("new", "demo", "-y", "--no-install", env=env).returncode == 1
    assert names_in(demo) == [".git"]
    staged = ["git", "ls-files"]
    assert not subprocess.run(staged, cwd=demo, capture_output=True, check=True).stdout


def test_without_a_network_the_project_stays(cli: Cli, tmp_path: Path) -> None:
    env = {"UV_OFFLINE": "1", "UV_CACHE_DIR": str(tmp_path / "cache")}
    result = cli("new", "demo", "-y", "--json", env=env)
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    assert (document["installed"], document["git"]) == (False, True)
    assert document["next_steps"][:2] == ["cd demo", "uv sync"]
    (warning,) = document["warnings"]
    assert "run `uv sync`" in warning
    assert "network" in warning
    assert warning.splitlines()[0] in result.stderr
    status = subprocess.run(
        ["git", "status", "--porcelain"],
        cwd=tmp_path / "demo",
        capture_output=True,
        text=True,
        check=True,
    )
    assert status.stdout == ""

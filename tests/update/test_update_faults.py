"""`fastoffload update` is killed, meets another one, or has no network."""

import fcntl
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from uv import find_uv_bin
from workshop import (
    CHANGED,
    DROPPED,
    NEWEST,
    OLD_NAME,
    OLDEST,
    Workshop,
    commit,
    contents,
    edit_as_users_do,
    git,
    git_that,
)

Files = dict[str, bytes]

EXECUTOR = ("--strategy", "executor")


@pytest.fixture
def project(workshop: Workshop, tmp_path: Path) -> Path:
    """A project of the oldest release, with a user's edits."""
    made = workshop.new(tmp_path / "demo", *EXECUTOR, release=OLDEST)
    edit_as_users_do(made, renamed=OLD_NAME)
    commit(made)
    return made


@pytest.fixture
def updated(workshop: Workshop, project: Path) -> dict[str, bytes]:
    """What it shall become."""
    copy = project.with_name("copy")
    shutil.copytree(project, copy)
    workshop.ok("update", cwd=copy)
    return contents(copy)


def is_consistent(
    workshop: Workshop, project: Path, before: dict[str, bytes], after: dict[str, bytes], verb: str
) -> str:
    """Sees to it that the tree is as before or complete, or becomes so by the verb."""
    journal = project / ".git" / "fastoffload" / "update.json"
    if not journal.exists():
        assert not (project / ".git" / "index.lock").exists()
        found = contents(project)
        assert found in (before, after)
        clean = git(project, "diff", "--name-only")
        assert clean == ""
        return "before" if found == before else "after"
    told = workshop.run("status", "--check", cwd=project)
    assert "was interrupted; `fastoffload update --continue` finishes it" in told.stderr
    assert "was interrupted" in workshop.run("update", cwd=project).stderr
    workshop.ok("update", verb, cwd=project)
    assert contents(project) == (after if verb == "--continue" else before)
    assert not journal.exists()
    assert not (project / ".git" / "index.lock").exists()
    assert git(project, "diff", "--name-only") == ""
    return "interrupted"


def test_killed_at_random_moments(
    workshop: Workshop, project: Path, updated: dict[str, bytes], tmp_path: Path
) -> None:
    before = contents(project)
    start = time.monotonic()
    copy = tmp_path / "timed"
    shutil.copytree(project, copy)
    workshop.ok("update", cwd=copy)
    seconds = time.monotonic() - start
    chance = random.Random(4)
    for number in range(10):
        copy = tmp_path / f"killed-{number}"
        shutil.copytree(project, copy)
        # The early ones meet a cache that is being filled, or was when it was their turn.
        cold = {"XDG_CACHE_HOME": str(tmp_path / "cold")} if number % 2 else {}
        process = subprocess.Popen(
            [*workshop.command, "update"],
            cwd=copy,
            env={**workshop.environment, **cold},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        # Most of the time nothing is written: half of the kills come towards the end.
        moment = chance.uniform(0, 0.7) if number % 2 else chance.uniform(0.7, 1.0)
        time.sleep(seconds * moment)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        verb = ("--continue", "--abort")[number % 4 // 2]
        is_consistent(workshop, copy, before, updated, verb)


MOMENTS = {
    "before the files": ("restore", 'kill -9 "$PPID"; exit 1'),
    "half of the files": (
        "restore",
        "tr '\\0' '\\n' | head -n 6 | tr '\\n' '\\0' | \"$git\" \"$@\"; kill -9 \"$PPID\"; exit 1",
    ),
    "after the files": ("restore", '"$git" "$@"; kill -9 "$PPID"; exit 1'),
    "git too, in the middle": (
        "restore",
        f'touch .git/index.lock.lock; rm {DROPPED} {CHANGED}; kill -9 "$PPID"; exit 1',
    ),
}


@pytest.mark.parametrize("verb", ["--continue", "--abort"])
@pytest.mark.parametrize(("killed", "how"), MOMENTS.values(), ids=MOMENTS)
def test_killed_while_the_tree_changes(
    workshop: Workshop,
    project: Path,
    updated: dict[str, bytes],
    tmp_path: Path,
    killed: str,
    how: str,
    verb: str,
) -> None:
    before = contents(project)
    env = git_that(tmp_path / "bin", killed, how)
    done = workshop.run("update", cwd=project, env=env)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert is_consistent(workshop, project, before, updated, verb) == "interrupted"


def test_a_failing_git_is_undone(workshop: Workshop, project: Path, tmp_path: Path) -> None:
    before = contents(project)
    once = tmp_path / "once"
    half = f"[ -e {once} ] || {{ touch {once}; rm {CHANGED}; echo 'disk on fire' >&2; exit 7; }}"
    done = workshop.run("update", cwd=project, env=git_that(tmp_path / "bin", "restore", half))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "Error: git restore failed: disk on fire"
    assert contents(project) == before
    assert git(project, "status", "--porcelain", "--ignored") == ""


def test_interrupted_while_it_is_worked_out(
    workshop: Workshop, project: Path, tmp_path: Path
) -> None:
    before = contents(project)
    env = git_that(tmp_path / "bin", "merge-tree", 'kill -INT "$PPID"; sleep 5')
    done = workshop.run("update", cwd=project, env=env)
    assert done.returncode == 130, done.stderr
    assert done.stderr.splitlines()[-1] == "Error: interrupted; nothing was kept"
    assert contents(project) == before
    assert git(project, "status", "--porcelain", "--ignored") == ""


def test_an_interruption_waits_for_the_tree(
    workshop: Workshop, project: Path, updated: dict[str, bytes], tmp_path: Path
) -> None:
    env = git_that(tmp_path / "bin", "restore", 'kill -INT "$PPID"')
    done = workshop.run("update", cwd=project, env=env)
    assert done.returncode == 0, done.stderr
    assert contents(project) == updated


def test_changed_meanwhile(workshop: Workshop, project: Path, tmp_path: Path) -> None:
    env = git_that(tmp_path / "bin", "merge-tree", f"echo mine >> '{project}/README.md'")
    done = workshop.run("update", cwd=project, env=env)
    assert done.returncode == 1
    assert "was changed meanwhile; nothing was done" in done.stderr
    assert git(project, "status", "--porcelain") == " M README.md"
    assert (project / "README.md").read_text().endswith("mine\n")


@pytest.mark.parametrize("options", [(), ("--continue",), ("--abort",)])
def test_somebody_else_is_at_work(
    workshop: Workshop, project: Path, tmp_path: Path, options: tuple[str, ...]
) -> None:
    if options:  # something to go on with, or to undo
        env = git_that(tmp_path / "bin", *MOMENTS["before the files"])
        workshop.run("update", cwd=project, env=env)
    before = contents(project)
    notes = project / ".git" / "fastoffload"
    notes.mkdir(exist_ok=True)
    with (notes / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = workshop.run("update", *options, cwd=project)
    assert done.returncode == 1
    assert "another fastoffload is at work" in done.stderr
    assert contents(project) == before


def test_two_at_once(workshop: Workshop, project: Path, updated: dict[str, bytes]) -> None:
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(workshop.run, "update", cwd=project) for _ in range(2)]
    done = sorted((one.result() for one in both), key=lambda one: one.returncode)
    assert [one.returncode for one in done] == [0, 1], [one.stderr for one in done]
    assert contents(project) == updated
    refusal = done[1].stderr.splitlines()[-1]
    reasons = (
        "another fastoffload",
        "another git",
        "changed meanwhile",
        "uncommitted changes",
        "interrupted",
    )
    assert any(reason in refusal for reason in reasons), refusal


class Installed(Workshop):
    """A workshop whose wheel is installed where nothing can be written."""

    def install(self) -> None:
        """Builds the wheel and installs it."""
        uv, environment = find_uv_bin(), self.folder / "environment"
        del self.environment["PYTHONPATH"]
        for command in (
            (uv, "build", "--wheel", "--out-dir", str(self.folder), str(self.checkout)),
            (uv, "venv", "--quiet", str(environment)),
        ):
            done = self.call(*command)
            assert done.returncode == 0, done.stderr
        (wheel,) = self.folder.glob("*.whl")
        python = environment / "bin" / "python"
        done = self.call(uv, "pip", "install", "--quiet", "--python", str(python), str(wheel))
        assert done.returncode == 0, done.stderr
        self.environment["PATH"] = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
        shutil.rmtree(self.checkout)
        for path in (environment, *environment.rglob("*")):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode & ~0o222)

    @property
    def command(self) -> tuple[str, ...]:
        """The console script."""
        return ("fastoffload",)


@pytest.fixture
def installed(workshop: Workshop, tmp_path: Path) -> Iterator[Installed]:
    """What a user has: a wheel, and no checkout."""
    made = Installed(tmp_path / "user", workshop)
    made.install()
    yield made
    for path in (made.folder / "environment").rglob("*"):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)


def test_offline_from_a_read_only_wheel_with_a_renamed_home(
    installed: Installed, tmp_path: Path, no_network: list[str], without_privileges: list[str]
) -> None:
    home = tmp_path / "home"
    project = installed.new(home / "demo", *EXECUTOR, release=OLDEST)
    edit_as_users_do(project, renamed=OLD_NAME)
    commit(project)
    home.rename(tmp_path / "renamed")
    project = tmp_path / "renamed" / "demo"
    prefix = [*no_network, *without_privileges]
    interfaces = "import socket; print(*(name for _, name in socket.if_nameindex()))"
    assert installed.call(*prefix, sys.executable, "-c", interfaces).stdout == "lo\n"
    for command in (("update",), ("switch", "celery")):
        done = installed.run(*command, cwd=project, prefix=prefix)
        assert done.returncode == 0, done.stderr
        commit(project)
    # Of the newest release it needs no cache.
    (tmp_path / "file").touch()
    nowhere = {"XDG_CACHE_HOME": str(tmp_path / "file")}
    done = installed.run("status", "--check", cwd=project, prefix=prefix, env=nowhere)
    assert done.returncode == 0, done.stderr
    fresh = installed.new(tmp_path / "fresh" / "demo", "--strategy", "celery")
    edit_as_users_do(fresh)
    assert contents(project) == contents(fresh)
    plain = installed.new(tmp_path / "plain" / "demo", *EXECUTOR, release=OLDEST)
    done = installed.call(*prefix, "copier", "update", "--defaults", cwd=plain)
    assert done.returncode == 0, done.stderr
    assert f"_commit: {NEWEST}" in (plain / ".copier-answers.yml").read_text()

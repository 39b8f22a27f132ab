"""`fastoffload update` and `switch` meet what git does not see, and lose nothing of it."""

import shlex
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from workshop import (
    ADDED,
    CHANGED,
    COMMENTED,
    OLDEST,
    Workshop,
    append,
    commit,
    contents,
    git,
    git_that,
    replace_in,
)

EXECUTOR = ("--strategy", "executor")


@pytest.fixture
def project(workshop: Workshop, tmp_path: Path) -> Path:
    """A project of the oldest release, as it was generated."""
    return workshop.new(tmp_path / "demo", *EXECUTOR, release=OLDEST)


def refused(workshop: Workshop, project: Path, *arguments: str) -> str:
    """The one line with which it refuses; nothing has changed."""
    before, staged = contents(project), git(project, "diff", "--cached")
    done = workshop.run(*arguments, cwd=project)
    assert done.returncode == 1, done.stdout
    *progress, error = done.stderr.splitlines()
    assert len(progress) <= 1, done.stderr
    assert error.startswith("Error: ")
    assert contents(project) == before
    assert git(project, "diff", "--cached") == staged
    return error


@pytest.mark.parametrize("flag", ["skip-worktree", "assume-unchanged"])
def test_a_file_that_git_was_told_not_to_look_at(
    workshop: Workshop, project: Path, flag: str
) -> None:
    git(project, "update-index", f"--{flag}", "pyproject.toml", "app/security.py")
    append(project / "pyproject.toml", "# mine\n")
    error = refused(workshop, project, "switch", "celery")
    assert f"pyproject.toml is marked {flag}" in error
    _, command, _ = error.split("`")
    subprocess.run(shlex.split(command), check=True)
    git(project, "commit", "--quiet", "--all", "--message", "mine")
    workshop.ok("switch", "celery", cwd=project)
    assert (project / "pyproject.toml").read_text().endswith("# mine\n")


@pytest.mark.parametrize("kind", ["file", "link", "link to nothing"])
def test_an_ignored_file_where_a_folder_is_needed(
    workshop: Workshop, project: Path, kind: str
) -> None:
    append(project / ".gitignore", "/tests/offload/queue_strategies\n")
    commit(project)
    in_the_way = project / "tests" / "offload" / "queue_strategies"
    if kind == "file":
        in_the_way.write_text("precious\n")
    else:
        elsewhere = project.parent / "elsewhere"
        in_the_way.symlink_to(elsewhere)
        if kind == "link":
            elsewhere.mkdir()
    assert "tests/offload/queue_strategies is in the way" in refused(
        workshop, project, "switch", "celery"
    )
    assert in_the_way.is_symlink() is (kind != "file")
    shutil.move(in_the_way, project.parent / "moved")
    workshop.ok("switch", "celery", cwd=project)
    assert (in_the_way / "__init__.py").is_file()


KILLED = {
    "before the files": 'kill -9 "$PPID"; exit 1',
    "after the files": '"$git" "$@"; kill -9 "$PPID"; exit 1',
}


def kill(workshop: Workshop, project: Path, how: str) -> None:
    """Kills an update while it changes the tree, and the git that it has started."""
    env = git_that(project.parent / "bin", "restore", how)
    done = workshop.run("update", cwd=project, env=env)
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.parametrize("verb", ["--continue", "--abort"])
@pytest.mark.parametrize("how", KILLED.values(), ids=KILLED)
def test_what_was_written_since_a_kill(
    workshop: Workshop, project: Path, how: str, verb: str
) -> None:
    kill(workshop, project, how)
    changed = [project / CHANGED, project / ADDED]
    for file in changed:
        file.write_text("mine, and nowhere else\n")
    for file in changed:
        error = refused(workshop, project, "update", verb)
        name = file.relative_to(project)
        assert f"{name} was changed since the update to 0.1.0 was interrupted" in error
        assert "move it elsewhere" in error
        shutil.move(file, project.parent)
    # An empty file is what a crash may leave of one that git was writing.
    (project / COMMENTED).write_text("")
    workshop.ok("update", verb, cwd=project)
    assert git(project, "diff", "--name-only") == ""


@pytest.mark.parametrize("verb", ["--continue", "--abort"])
def test_another_project_of_the_repository(workshop: Workshop, tmp_path: Path, verb: str) -> None:
    git(tmp_path, "init", "--quiet")
    first, second = (
        workshop.new(tmp_path / name, *EXECUTOR, release=OLDEST) for name in ("first", "second")
    )
    replace_in(first / CHANGED, "An older first line.", "Mine.")
    commit(first)
    assert workshop.run("update", cwd=first).returncode == 3
    error = refused(workshop, second, "update", verb)
    assert f"the update to 0.1.0 is under way in {first}, not here" in error
    assert "the update to 0.1.0 in first left conflicts" in refused(workshop, second, "update")
    assert (tmp_path / ".git" / "fastoffload" / "update.json").exists()
    assert workshop.run("update", "--abort", cwd=first).returncode == 0

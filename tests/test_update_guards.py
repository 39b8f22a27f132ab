"""`fastoffload update` and `switch` meet what git does not see, and lose nothing of it."""

import shlex
import subprocess
from pathlib import Path

import pytest
from workshop import OLDEST, Workshop, append, contents, git

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
    git(project, "update-index", f"--{flag}", "README.md", "app/compute.py")
    append(project / "README.md", "mine\n")
    error = refused(workshop, project, "switch", "celery")
    assert f"README.md is marked {flag}" in error
    _, command, _ = error.split("`")
    subprocess.run(shlex.split(command), check=True)
    git(project, "commit", "--quiet", "--all", "--message", "mine")
    workshop.ok("switch", "celery", cwd=project)
    assert (project / "README.md").read_text().endswith("mine\n")

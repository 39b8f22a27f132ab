"""The repository of a new project, and the one around it."""

import os
from pathlib import Path

from fastoffload.errors import FastoffloadError
from fastoffload.git.call import NEUTRAL, call, reason, settings
from fastoffload.system.processes import held

# What git says where there is none to commit to; any other failure is one.
NO_WORK_TREE = (b"not a git repository (or any", b"must be run in a work tree")
FALLBACK_IDENTITY = {"user.name": "fastoffload", "user.email": "fastoffload@localhost"}


def enclosing_work_tree(project: Path) -> str | None:
    """The git work tree that a project lies in and would be committed to, or None.

    Raises when git refuses to look.
    """
    before = ["-C", str(project.parent)]
    done = call("rev-parse", "--show-toplevel", before=before, allowed=range(256))
    if any(words in done.stderr for words in NO_WORK_TREE):
        return None
    if done.returncode:
        raise _failure("rev-parse", reason(done))
    found = os.fsdecode(done.stdout).strip()
    ignored = call("check-ignore", "--quiet", project.name, before=before, allowed=range(256))
    return None if ignored.returncode == 0 else found


def commit_all(project: Path, message: str) -> None:
    """Makes the folder a repository with one commit that holds everything.

    A repository that is there already keeps its branch and, when this fails, its empty index.
    """
    missing = {k: v for k, v in FALLBACK_IDENTITY.items() if not _is_set(project, k)}
    before = ["-C", str(project), *settings(NEUTRAL | missing)]
    cloned = (project / ".git").exists()
    if not cloned:
        _run(before, "init", "-b", "main")
    try:
        _run(before, "add", "--all")
        _run(before, "commit", "--message", message)
    except BaseException:
        if cloned:
            with held():
                call("read-tree", "--empty", before=before, allowed=range(256))
        raise


def has_files(project: Path) -> bool:
    """Whether the last commit of a repository holds anything; False when there is no commit."""
    before = ["-C", str(project)]
    return call("ls-tree", "HEAD", before=before, allowed=range(256)).stdout != b""


def _run(before: list[str], verb: str, *arguments: str) -> None:
    done = call(verb, *arguments, before=before, allowed=range(256))
    if done.returncode:
        raise _failure(verb, reason(done))


def _failure(verb: str, said: str) -> FastoffloadError:
    return FastoffloadError(f"git {verb} failed: {said}; --no-git leaves it out")


def _is_set(folder: Path, key: str) -> bool:
    found = call("config", "--get", key, before=["-C", str(folder)], allowed=range(256))
    return found.returncode == 0

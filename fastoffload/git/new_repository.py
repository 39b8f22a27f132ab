"""The repository of a new project, and the one around it."""

import os
from pathlib import Path

from fastoffload.errors import FastoffloadError
from fastoffload.git.call import NEUTRAL, call, reason, settings

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
    """Makes the folder a repository with one commit that holds everything."""
    missing = {k: v for k, v in FALLBACK_IDENTITY.items() if not _is_set(project, k)}
    before = ["-C", str(project), *settings(NEUTRAL | missing)]
    for command in (("init", "-b", "main"), ("add", "--all"), ("commit", "--message", message)):
        done = call(*command, before=before, allowed=range(256))
        if done.returncode:
            raise _failure(command[0], reason(done))


def _failure(verb: str, said: str) -> FastoffloadError:
    return FastoffloadError(f"git {verb} failed: {said}; --no-git leaves it out")


def _is_set(folder: Path, key: str) -> bool:
    found = call("config", "--get", key, before=["-C", str(folder)], allowed=range(256))
    return found.returncode == 0

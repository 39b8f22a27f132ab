"""The repository of a new project."""

import os
import re
import shutil
from pathlib import Path

from fastoffload.errors import FastoffloadError
from fastoffload.processes import run

# Set while git runs a hook; they would lead our calls to the repository of that hook.
FOREIGN_REPOSITORY = {
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_WORK_TREE",
}
# What a user set up for commits of their own must not stop, sign or thin out this one.
NEUTRAL = (
    ("commit.gpgSign", "false"),
    ("core.excludesFile", os.devnull),
    ("core.hooksPath", os.devnull),
)
# What git says where there is none to commit to; any other failure is one.
NO_WORK_TREE = ("not a git repository (or any", "must be run in a work tree")
OLDEST = (2, 38)  # the first that merges without a work tree
FALLBACK_IDENTITY = (("user.name", "fastoffload"), ("user.email", "fastoffload@localhost"))


def leave_foreign_repository() -> None:
    """Forgets the repository whose hook may have called us; Copier's git would look there too."""
    for key in FOREIGN_REPOSITORY:
        os.environ.pop(key, None)


def check_git() -> None:
    """Raises when git is missing."""
    if shutil.which("git") is None:
        raise FastoffloadError("git is not on PATH; install git, or leave it out by --no-git")


def check_merges() -> None:
    """Raises when git is too old for what `update` and `switch` do."""
    _, output = _git(Path(), "version")
    found = re.search(r"(\d+)\.(\d+)\S*", output)
    if found and (int(found[1]), int(found[2])) < OLDEST:
        needed = ".".join(map(str, OLDEST))
        raise FastoffloadError(
            f"git {found[0]} cannot merge as update and switch do; install git {needed} or newer"
        )


def enclosing_work_tree(project: Path) -> str | None:
    """The git work tree that a project lies in and would be committed to, or None.

    Raises when git refuses to look.
    """
    code, output = _git(project.parent, "rev-parse", "--show-toplevel")
    if any(words in output for words in NO_WORK_TREE):
        return None
    _check("rev-parse", code, output)
    ignored = _git(project.parent, "check-ignore", "--quiet", project.name)[0] == 0
    return None if ignored else output.strip()


def commit_all(project: Path, message: str) -> None:
    """Makes the folder a repository with one commit that holds everything."""
    settings = [*NEUTRAL, *(pair for pair in FALLBACK_IDENTITY if not _is_set(project, pair[0]))]
    options = [part for key, value in settings for part in ("-c", f"{key}={value}")]
    for command in (("init", "-b", "main"), ("add", "--all"), ("commit", "--message", message)):
        _check(command[0], *_git(project, *options, *command))


def _check(verb: str, code: int, output: str) -> None:
    if code != 0:
        reason = " ".join(output.split())
        raise FastoffloadError(f"git {verb} failed: {reason}; --no-git leaves it out")


def _is_set(folder: Path, key: str) -> bool:
    return _git(folder, "config", "--get", key)[0] == 0


def _git(folder: Path, *arguments: str) -> tuple[int, str]:
    return run(["git", *arguments], folder, os.environ | {"LC_ALL": "C"})

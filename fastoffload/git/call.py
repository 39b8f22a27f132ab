"""Git as a program: one way to run it, and what of a user's settings it must not heed."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence

from fastoffload.errors import FastoffloadError

# Nothing of a user's own work must happen in the course of ours: no hook, no clean-up.
QUIET = {"core.hooksPath": os.devnull, "gc.auto": "0"}
# In a repository that we make, nothing that users set up for theirs signs, thins out or converts.
NEUTRAL = QUIET | {
    "commit.gpgSign": "false",
    "core.attributesFile": os.devnull,
    "core.autocrlf": "false",
    "core.excludesFile": os.devnull,
    "merge.conflictStyle": "merge",
    "merge.directoryRenames": "false",
    "pack.threads": "1",
    "safe.bareRepository": "all",
}
# Set while git runs a hook; they would lead our calls to the repository of that hook.
FOREIGN_REPOSITORY = (
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_WORK_TREE",
)
OLDEST = (2, 38)  # the first that merges without a work tree

Done = subprocess.CompletedProcess[bytes]


def call(
    verb: str,
    *arguments: str,
    before: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    allowed: Sequence[int] = (0,),
    keep: Sequence[int] = (),
) -> Done:
    """Runs `git BEFORE VERB ARGUMENTS`; it inherits the descriptors to `keep`.

    Raises FastoffloadError when its exit code is not allowed.
    """
    done = subprocess.run(
        ["git", *before, verb, *arguments],
        env={**os.environ, "LC_ALL": "C", **(env or {})},
        input=stdin,
        capture_output=True,
        pass_fds=keep,
        check=False,
    )
    if done.returncode not in allowed:
        raise FastoffloadError(f"git {verb} failed: {reason(done)}")
    return done


def reason(done: Done) -> str:
    """What git said when it failed, on one line."""
    said = " ".join(done.stderr.decode(errors="replace").split())
    return said or f"exit code {done.returncode}"


def settings(values: Mapping[str, str]) -> list[str]:
    """Options that set these for one call."""
    return [part for pair in values.items() for part in ("-c", "=".join(pair))]


def encoded(text: str) -> bytes:
    """Paths as git takes them; they need not be text."""
    return text.encode(errors="surrogateescape")


def decoded(output: bytes) -> str:
    """Paths as git gives them."""
    return output.decode(errors="surrogateescape")


def leave_foreign_repository() -> None:
    """Forgets the repository whose hook may have called us; Copier's git would look there too."""
    for key in FOREIGN_REPOSITORY:
        os.environ.pop(key, None)


def check_git(remedy: str = "install git") -> None:
    """Raises when git is missing."""
    if shutil.which("git") is None:
        raise FastoffloadError(f"git is not on PATH; {remedy}")


def check_merges() -> None:
    """Raises when git is too old for what `update` and `switch` do."""
    found = re.search(r"(\d+)\.(\d+)\S*", call("version").stdout.decode())
    if found and (int(found[1]), int(found[2])) < OLDEST:
        needed = ".".join(map(str, OLDEST))
        raise FastoffloadError(
            f"git {found[0]} cannot merge as update and switch do; install git {needed} or newer"
        )

"""What uv does in a project: install, lock, run its tests."""

import os
from collections.abc import Sequence
from pathlib import Path

from fastoffload.errors import FastoffloadError
from fastoffload.system.processes import GRACE_SECONDS, TESTS_GRACE_SECONDS, run

# Each points uv at another project or environment than the new one, or forbids it to lock.
FOREIGN_PROJECT = {
    "UV_FROZEN",
    "UV_LOCKED",
    "UV_PROJECT",
    "UV_PROJECT_ENVIRONMENT",
    "UV_WORKING_DIR",
    "VIRTUAL_ENV",
}
SHOWN_LINES = 5


def uv_program() -> str:
    """Where uv is. Raises FastoffloadError when the uv package has come without its program."""
    from uv import find_uv_bin

    try:
        return find_uv_bin()
    except FileNotFoundError as error:
        raise FastoffloadError(
            "the uv program is missing; reinstall the package uv, or use --no-install"
        ) from error


def run_uv(folder: Path, *arguments: str, grace_seconds: float = GRACE_SECONDS) -> tuple[int, str]:
    """The exit code of uv in a folder, whatever project it was told of, and all it printed."""
    env = {key: value for key, value in os.environ.items() if key not in FOREIGN_PROJECT}
    return run([uv_program(), "--no-progress", *arguments], folder, env, grace_seconds)


def sync(project: Path) -> str | None:
    """Runs `uv sync`; returns None, or the last lines of what uv said when it failed."""
    return _failure(project, "sync")


def add(project: Path, packages: Sequence[str]) -> str | None:
    """Runs `uv add`, which installs everything else too; returns what `sync` does."""
    return _failure(project, "add", *packages)


def lock(project: Path) -> str | None:
    """Runs `uv lock`, from uv's cache if there is no network; returns what `sync` does."""
    said = _failure(project, "lock")
    return said and _failure(project, "lock", "--offline") and said


def test(project: Path) -> str | None:
    """Runs the project's own tests; returns what `sync` does."""
    return _failure(project, "run", "pytest", "-q", grace_seconds=TESTS_GRACE_SECONDS)


def _failure(project: Path, *arguments: str, grace_seconds: float = GRACE_SECONDS) -> str | None:
    code, output = run_uv(project, *arguments, grace_seconds=grace_seconds)
    return None if code == 0 else "\n".join(output.strip().splitlines()[-SHOWN_LINES:])

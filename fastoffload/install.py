"""What uv does in a project: install, lock, run its tests."""

import os
from collections.abc import Sequence
from pathlib import Path

from fastoffload.errors import FastoffloadError
from fastoffload.processes import run

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


def check_uv() -> None:
    """Raises when the uv package has come without its program."""
    _uv()


def sync(project: Path) -> str | None:
    """Runs `uv sync`; returns None, or the last lines of what uv said when it failed."""
    return _run(project, "sync")


def add(project: Path, packages: Sequence[str]) -> str | None:
    """Runs `uv add`, which installs everything else too; returns what `sync` does."""
    return _run(project, "add", *packages)


def lock(project: Path) -> str | None:
    """Runs `uv lock`, from uv's cache if there is no network; returns what `sync` does."""
    said = _run(project, "lock")
    return said and _run(project, "lock", "--offline") and said


def test(project: Path) -> str | None:
    """Runs the project's own tests; returns what `sync` does."""
    return _run(project, "run", "pytest", "-q")


def _run(project: Path, *arguments: str) -> str | None:
    env = {key: value for key, value in os.environ.items() if key not in FOREIGN_PROJECT}
    code, output = run([_uv(), "--no-progress", *arguments], project, env)
    return None if code == 0 else "\n".join(output.strip().splitlines()[-SHOWN_LINES:])


def _uv() -> str:
    from uv import find_uv_bin

    try:
        return find_uv_bin()
    except FileNotFoundError as error:
        raise FastoffloadError(
            "the uv program is missing; reinstall the package uv, or use --no-install"
        ) from error

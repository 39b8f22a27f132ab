"""The dependencies of a new project, installed by uv."""

import os
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
    env = {key: value for key, value in os.environ.items() if key not in FOREIGN_PROJECT}
    code, output = run([_uv(), "sync", "--no-progress"], project, env)
    return None if code == 0 else "\n".join(output.strip().splitlines()[-SHOWN_LINES:])


def _uv() -> str:
    from uv import find_uv_bin

    try:
        return find_uv_bin()
    except FileNotFoundError as error:
        raise FastoffloadError(
            "the uv program is missing; reinstall the package uv, or use --no-install"
        ) from error

"""What to type after `new`."""

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from fastoffload.catalog import Choice
from fastoffload.recipes.curl import API
from fastoffload.templating.releases import PACKAGE

ADD = "fastoffload add NAME  # your own kind of job; `fastoffload recipes` lists what to begin with"


def next_steps(
    project: Path, choice: Choice, *, installed: bool, curls: Sequence[str]
) -> list[str]:
    """Shell commands, in order, from the present folder to the first jobs and one's own."""
    folder = os.path.relpath(project)
    if folder.startswith(".."):
        folder = str(project)
    return [
        *([] if folder == "." else [f"cd {shlex.quote(folder)}"]),
        *([] if installed else ["uv sync"]),
        f"uv run start.py  # {_started(choice)}then open {API}",
        *curls,
        *_install_once(),
        ADD,
        "uv run pytest  # the project's own tests: they kill it and see that nothing is lost",
    ]


def _install_once() -> list[str]:
    """How the shell comes to find `fastoffload`, where it ran from a checkout by `uv run`."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    if "UV_RUN_RECURSION_DEPTH" in os.environ:  # then uv has put this one first for us alone
        folders = [folder for folder in folders if Path(folder) != Path(sys.prefix, "bin")]
    checkout = PACKAGE.parent
    if shutil.which("fastoffload", path=os.pathsep.join(folders)):
        return []
    if not (checkout / "pyproject.toml").exists():
        return []
    command = f"uv tool install --editable {shlex.quote(str(checkout))}"
    return [f"{command}  # once: then every folder's shell knows `fastoffload`"]


def _started(choice: Choice) -> str:
    return "web, worker and an embedded broker; " if choice.is_queue else ""

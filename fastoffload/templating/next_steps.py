"""What to type after `new`."""

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from fastoffload.catalog import Choice
from fastoffload.recipes.curl import API

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
        ADD,
        "uv run pytest  # the project's own tests: they kill it and see that nothing is lost",
    ]


def _started(choice: Choice) -> str:
    has_broker = choice.is_queue
    return "web, worker and an embedded broker; " if has_broker else ""

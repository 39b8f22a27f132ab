"""What to type after `new`."""

import json
import os
import shlex
from pathlib import Path

from fastoffload.catalog import Choice

API = "http://127.0.0.1:8000"
SAMPLE = "nile"
REPORT = {"dataset": SAMPLE, "title": "The Nile at Aswan"}


def next_steps(project: Path, choice: Choice, *, installed: bool) -> list[str]:
    """Shell commands, in order, from the present folder to the first report."""
    folder = os.path.relpath(project)
    if folder.startswith(".."):
        folder = str(project)
    return [
        *([] if folder == "." else [f"cd {shlex.quote(folder)}"]),
        *([] if installed else ["uv sync"]),
        f"uv run honcho start  # {_started(choice)}then open {API}",
        f"curl -X PUT --data-binary @samples/{SAMPLE}.csv -H 'Content-Type: text/csv'"
        f" {API}/datasets/{SAMPLE}",
        f"curl -X POST -H 'Content-Type: application/json' -d '{json.dumps(REPORT)}' {API}/reports",
        "uv run pytest  # the project's own tests: they kill it and see that nothing is lost",
    ]


def _started(choice: Choice) -> str:
    has_broker = choice.strategy.option == "broker"
    return "web, worker and an embedded broker; " if has_broker else ""

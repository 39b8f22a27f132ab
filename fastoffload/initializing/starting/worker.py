"""How a queue's worker is started: in files of the application's that start it, or in words."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from fastoffload.catalog import Choice
from fastoffload.file_changes import Change
from fastoffload.initializing.found import Found
from fastoffload.initializing.starting import compose, procfile
from fastoffload.initializing.starting.started import worker_command

With = Callable[[bytes, str, Found], Change | str]


@dataclass(slots=True)
class Worker:
    """Changes of such files, and what is to be said of it."""

    changes: dict[Path, Change] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)


def worker(found: Found, choice: Choice) -> Worker:
    """Nothing for a strategy that has no worker."""
    made = Worker()
    command = worker_command(found, choice)
    if command is None:
        return made
    made.said.append(
        "the worker is a process of its own, with BROKER_URL and DATABASE_URL set as for the API:"
        f" `{command}`"
    )
    line, service = f"`worker: {command}`", f"`worker: {{command: {command}}}`"
    _add(made, found, command, procfile.with_worker, (procfile.NAME,), line)
    of_image = f"beside the API's service and from its image: {service}"
    _add(made, found, command, compose.with_worker, compose.NAMES, of_image)
    return made


def _add(
    made: Worker, found: Found, command: str, with_worker: With, names: tuple[str, ...], text: str
) -> None:
    """Into the first such file that is there; else what it would be."""
    file = next((found.root / name for name in names if (found.root / name).is_file()), None)
    if file is None:
        made.said.append(f"in a {names[0]}, {text}")
        return
    outcome = with_worker(file.read_bytes(), command, found)
    if isinstance(outcome, str):
        made.said.append(f"{file.name} is left to you, for {outcome}; in it, {text}")
    else:
        made.changes[file] = outcome
        made.said.append(f"{file.name} starts the worker as it does the API: see its environment")

"""The line of a queue's worker in an application's Procfile."""

import re

from fastoffload.file_changes import Change
from fastoffload.initializing.edits import Insertion, apply
from fastoffload.initializing.found import Found
from fastoffload.initializing.starting.started import runner_of

NAME = "Procfile"
LINE = re.compile(r"([A-Za-z0-9_-]+):\s*(.+?)\s*")
NAMES = ("worker", "offload-worker")


def with_worker(source: bytes, command: str, found: Found) -> Change | str:
    """The Procfile with one line more; or why that is left to the user."""
    lines = source.decode(errors="replace").splitlines()
    processes = {match[1]: match[2] for line in lines if (match := LINE.fullmatch(line))}
    runners = {runner_of(one, found) for one in processes.values()} - {None}
    free = [name for name in NAMES if name not in processes]
    if len(runners) != 1 or not free:
        return "no line of it is seen to start the application" if free else "it has such a line"
    line = Insertion(len(source.splitlines()), f"{free[0]}: {runners.pop()}{command}\n")
    return Change(source, apply(source, [line]))

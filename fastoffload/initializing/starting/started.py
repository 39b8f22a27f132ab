"""By which commands an application's own files start it, and what starts a worker beside it."""

import re

from fastoffload.catalog import Choice
from fastoffload.initializing.found import Found

STARTS = re.compile(
    r"((?:exec |uv run |poetry run |pdm run |pipenv run |python3? -m |\w+=\S* )*)"
    r"(?:uvicorn|gunicorn|hypercorn|granian|fastapi) ([^;&|]+)"
)
ELSEWHERE = re.compile(r"--(app-dir|chdir|pythonpath)\b")  # where a worker would not find it


def worker_command(found: Found, choice: Choice) -> str | None:
    """What starts a worker of a queue; None for a strategy that has none."""
    module = ".".join(filter(None, [found.dotted, "offload.worker"]))
    return choice.strategy.worker and choice.strategy.worker.format(worker=module)


def runner_of(command: str, found: Found) -> str | None:
    """What stands before the server's name, such as `uv run `, in a command that serves it.

    None where the command serves something else, or is not understood to the last word.
    """
    match = STARTS.fullmatch(" ".join(command.split()))
    if match is None or ELSEWHERE.search(match[2]):
        return None
    words = {word.strip("'\"").removesuffix("()") for word in match[2].split()}
    return match[1] if words & _targets(found) else None


def _targets(found: Found) -> set[str]:
    """What names it to a server that runs where a worker can import it too."""
    named = {f"{found.importable(found.application.file)}:{found.application.name}"}
    is_imported_from_root = found.dotted == found.package.replace("/", ".")
    return named | ({found.main, f"./{found.main}"} if is_imported_from_root else set())

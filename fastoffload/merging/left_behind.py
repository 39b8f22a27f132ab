"""What a project that leaves a broker leaves on it, and how to clear it."""

import re
import tomllib
from pathlib import Path, PurePosixPath

from fastoffload.catalog import Choice
from fastoffload.templating.answers import Answers

# In which `init` may have put a worker's command.
STARTERS = ("Procfile", "compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
# As the engine has it: broker.py, UNUSED_QUEUE_SECONDS.
UNUSED_DAYS = 7


def on_broker(project: Path, answers: Answers) -> str | None:
    """One line, before the strategy or the broker changes; None for one without a broker."""
    left = _names_left(project, answers)
    return left and f"{left} The jobs are in the database and go on."


def old_worker(project: Path, answers: Answers, choice: Choice) -> str | None:
    """One line for files of an application that start the worker of the strategy of before."""
    command = answers.choice.strategy.worker
    if answers.package is None or command is None or command == choice.strategy.worker:
        return None
    start, end = map(re.escape, command.split("{worker}"))
    texts = {name: project / name for name in STARTERS if (project / name).is_file()}
    found = {
        name: match
        for name, file in texts.items()
        if (match := re.search(f"{start}([\\w.]+){end}", file.read_text(errors="replace")))
    }
    if not found:
        return None
    old = next(iter(found.values()))
    new = choice.strategy.worker
    remedy = f"put `{new.format(worker=old[1])}` there" if new else "take that out"
    return f"The worker of before, `{old[0]}`, is still started by {', '.join(found)}: {remedy}."


def after_undo(project: Path, answers: Answers) -> list[str]:
    """What `init --undo` leaves where no file is."""
    tables = (
        "In the database, the engine's tables are left, with all jobs: a schema `offload` on"
        " PostgreSQL, tables `offload_…` on SQLite. Drop them when nobody needs them."
    )
    return [*filter(None, [tables, _names_left(project, answers)])]


def _names_left(project: Path, answers: Answers) -> str | None:
    broker = answers.choice.answers.get("broker")
    if broker is None:
        return None
    name = plain(_name(project, answers))
    prefix = f"{name}.{answers.choice.strategy.name}"
    what, clear = (
        ("keys", _of_redis(prefix)) if broker == "redis" else ("queues", _of_rabbitmq(prefix))
    )
    return (
        f"On the {broker} broker of before, {what} whose names begin with {prefix} are left and"
        f" read by nobody (with a QUEUE_PREFIX, that in place of {name}). To clear them{clear}."
    )


def _of_redis(prefix: str) -> str:
    cli = 'redis-cli -u "$BROKER_URL"'
    return f": {cli} --scan --pattern '{prefix}:*' | xargs -r {cli} del"


def _of_rabbitmq(prefix: str) -> str:
    """Where the broker runs: what listens for clients may be no place to manage it."""
    listed = f"rabbitmqctl list_queues --quiet name | grep '^{prefix}\\.'"
    return (
        f" at once, where it runs: {listed} | xargs -r -n 1 rabbitmqctl delete_queue;"
        f" else RabbitMQ deletes them {UNUSED_DAYS} days after they were last used"
    )


def plain(name: str) -> str:
    """A project's name as the engine puts it before the names of its queues."""
    made = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-_")[:50]
    return made if made[:1].isalpha() else f"app-{made}"


def _name(project: Path, answers: Answers) -> str:
    """What the engine goes by: the name in pyproject.toml, else the package's own."""
    pyproject = project / "pyproject.toml"
    if pyproject.is_file():
        name = tomllib.loads(pyproject.read_text(encoding="utf-8")).get("project", {}).get("name")
        if isinstance(name, str):
            return name
    return PurePosixPath(answers.package or "app").name

"""What `add` says of what it has written: how to run it, how to test it, what comes next."""

from collections.abc import Iterator

from fastoffload.adding.project import Project
from fastoffload.recipes.files import MIGRATION
from fastoffload.recipes.place import TESTS
from fastoffload.recipes.recipe import Recipe


def test_command(runner: str, name: str) -> str:
    """The command that runs the tests of a kind; a runner ends with a blank, or is empty."""
    return f"{runner}pytest {TESTS}/test_{name}*.py"


def next_steps(
    project: Project, recipe: Recipe, name: str, runner: str, queue: str | None
) -> Iterator[str]:
    """What is left to do, a line each."""
    folder = project.place.folder(name)
    if (recipe.folder / MIGRATION).exists() and not project.place.has_migrations():
        yield f"make a migration of yours for the tables in {folder}/tables.py, and apply it"
    if queue:
        yield _worker(project, runner, queue)
    yield f"make {folder}/work.py do your work; {folder}/README.md says what to change first"


def _worker(project: Project, runner: str, queue: str) -> str:
    command = project.answers.choice.strategy.worker
    if command is None:
        return f"the service runs the queue {queue} too, unless its JOB_QUEUES names others"
    module = project.place.module("offload.worker")
    started = f"JOB_QUEUES={queue} {runner}{command.format(worker=module)}"
    return f"a worker for the queue alone: `{started}`; one without JOB_QUEUES serves all"

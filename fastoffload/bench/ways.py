"""The ways of doing the same work that are compared: the variants, and what people do instead."""

from dataclasses import dataclass
from typing import Literal

from fastoffload.bench.projects import Project

APP = "app.main:app"

Kind = Literal["variant", "held", "servers"]
"""As it is generated; with the submit held until the end; with several processes of Uvicorn."""


@dataclass(frozen=True, slots=True)
class Way:
    """A project's service, started in a certain manner.

    `app` is what Uvicorn serves; of a way that is `held` a submit is answered when the report is
    done. With `servers` processes of Uvicorn each runs its share of the jobs.
    """

    name: str
    project: Project
    app: str = APP
    held: bool = False
    servers: int = 1

    @property
    def kind(self) -> Kind:
        """Which of the three."""
        if self.held:
            return "held"
        return "servers" if self.servers > 1 else "variant"


def blocking(project: Project) -> Way:
    """The pipeline, called in the `async def` route."""
    return Way("blocking in async def", project, "blocking_way:app", held=True)


def compared(projects: list[Project], workers: int) -> list[Way]:
    """What is measured beside the variants themselves: a `def` route, and servers with workers."""
    ways = [Way("def route", simplest(projects), "def_route:app", held=True)]
    if workers > 1:
        ways += [
            Way(f"{project.variant}, --workers {workers}", project, servers=workers)
            for project in projects
            if not project.is_queue
        ]
    return ways


def simplest(projects: list[Project]) -> Project:
    """The one with the fewest processes."""

    def processes(project: Project) -> tuple[bool, bool]:
        return project.is_queue, "process" in project.choice.answers.values()

    return min(projects, key=processes)

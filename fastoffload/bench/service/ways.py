"""The ways of doing the same work that are compared: the variants, and what people do instead."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from fastoffload.bench.service.projects import Project
from fastoffload.catalog import RUN_ON

APP = "app.main:app"

Kind = Literal["variant", "held"]
"""As it is generated; with the submit held until the end."""


@dataclass(frozen=True, slots=True)
class Way:
    """A project's service, started in a certain manner.

    `app` is what Uvicorn serves, with as many processes as there are `servers`; of a way that is
    `held` a submit is answered when the report is done.
    """

    name: str
    project: Project
    app: str = APP
    held: bool = False
    servers: int = 1

    @property
    def kind(self) -> Kind:
        """Which of the two."""
        return "held" if self.held else "variant"


def to_compare(projects: Sequence[Project], base: Project) -> list[Way]:
    """What was asked for, then the way that it is compared with: time may not be enough for all."""
    return [*(Way(project.variant, project) for project in projects), blocking(base)]


def blocking(project: Project, servers: int = 1) -> Way:
    """The pipeline, called in the `async def` route."""
    name = "blocking in async def" + (f", --workers {servers}" if servers > 1 else "")
    return Way(name, project, "blocking_way:app", held=True, servers=servers)


def remedies(project: Project, workers: int) -> list[Way]:
    """What people try first: a `def` route, and more processes of the server."""
    ways = [Way("def route", project, "def_route:app", held=True)]
    return ways + ([blocking(project, workers)] if workers > 1 else [])


def simplest(projects: list[Project]) -> Project:
    """The one with the fewest processes."""
    return min(projects, key=lambda project: RUN_ON.index(project.choice.runs_on))

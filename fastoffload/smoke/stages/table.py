"""The stages, in order, and what each needs; what they do is in the modules beside this one."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from fastoffload.errors import unknown
from fastoffload.smoke.project.project import Project
from fastoffload.smoke.stages import checking, contract, making, serving


@dataclass(frozen=True, slots=True)
class Stage:
    """One column of the table.

    `needs` must have passed, `after` must be over. One that `only_waits` takes no core from others.
    The seconds are those it takes on two cores with a warm cache, by which the longest way goes
    first, and those after which it has failed; those with a broker add to the usual ones.
    """

    name: str
    run: Callable[[Project], Awaitable[str]]
    usual_seconds: float
    limit_seconds: float
    needs: str | None = None
    after: str | None = None
    one_at_a_time: bool = False
    only_waits: bool = False
    broker_seconds: float = 0


# Copier changes the folder of the whole process for a moment; mypy takes over what it has found of
# the libraries from the project before.
STAGES = (
    Stage("render", making.render, 1, 60, one_at_a_time=True),
    Stage("install", making.install, 3, 900, needs="render"),
    Stage("lint", checking.lint, 1, 120, needs="install"),
    Stage("types", checking.types, 10, 600, needs="install", one_at_a_time=True),
    Stage("tests", checking.tests, 100, 3600, needs="install", broker_seconds=100),
    Stage("boot", serving.boot, 4, 120, needs="install"),
    Stage("job", serving.job, 10, 600, needs="boot"),
    Stage("stop", serving.stop, 2, 60, needs="boot", after="job", only_waits=True),
    Stage("contract", contract.contract, 30, 1200, needs="install", after="stop"),
)


def with_their_needs(names: Sequence[str]) -> list[Stage]:
    """The stages named and all that they need, in order; every stage when none is named."""
    known = {stage.name: stage for stage in STAGES}
    wanted = set(names or known)
    for name in names:
        if name not in known:
            raise unknown("stage", name, known, "--stage takes")
    for stage in reversed(STAGES):
        if stage.name in wanted and stage.needs:
            wanted.add(stage.needs)
    return [stage for stage in STAGES if stage.name in wanted]

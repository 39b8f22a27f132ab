"""`fastoffload switch`: another strategy, pool or broker for a project that exists."""

from collections.abc import Mapping
from pathlib import Path

from fastoffload.catalog import Choice
from fastoffload.errors import os_errors_expected
from fastoffload.merging import left_behind
from fastoffload.merging.plan import Follow, Target, plan, ready
from fastoffload.merging.update import UpdateResult
from fastoffload.templating import releases
from fastoffload.templating.answers import Answers, describe


@os_errors_expected()
def switch(
    path: Path, strategy: str, given: Mapping[str, str | None], follow: Follow, *, test: bool
) -> UpdateResult:
    """Changes the strategy, staged. The project stays at the release that it has."""
    choice = Choice.of(strategy, given)
    work, answers = ready(path)
    if choice == answers.choice:
        return UpdateResult(path, f"{path.name} is {describe(choice)} already")
    releases.check_known(answers.release)
    with plan(work, answers, _target(answers, choice), follow) as made:
        if test:
            made.check_tests()
        made.carry_out()
    behind = (left_behind.on_broker(path, answers), left_behind.old_worker(path, answers, choice))
    told = (choice.cost, *behind, *made.warnings)
    warnings = [warning for warning in told if warning]
    return UpdateResult(path, made.journal.title, made.changes, warnings)


def _target(answers: Answers, choice: Choice) -> Target:
    return Target(
        release=answers.release,
        choice=choice,
        title=f"the switch to {describe(choice)}",
        label=choice.name,
        follow_renames=False,
    )

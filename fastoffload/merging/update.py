"""`fastoffload update`: a project to a newer release of its templates."""

from dataclasses import dataclass, field
from pathlib import Path

from fastoffload.errors import FastoffloadError, os_errors_expected
from fastoffload.merging.merge import Changes
from fastoffload.merging.plan import Follow, Target, plan, ready
from fastoffload.ownership import ENGINE
from fastoffload.templating import releases
from fastoffload.templating.answers import Answers


@dataclass(frozen=True, slots=True)
class Check:
    """Whether a project is behind, and the releases between."""

    path: Path
    release: str
    newest: str
    between: list[str]
    notes: dict[str, str]


@dataclass(frozen=True, slots=True)
class UpdateResult:
    """What became of a project. `notes` are those of the releases it went through."""

    path: Path
    title: str
    changes: Changes = field(default_factory=Changes)
    warnings: list[str] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)


@os_errors_expected()
def check(path: Path) -> Check:
    """Looks, and changes nothing; neither git nor a clean tree is needed."""
    release, newest = Answers.read(path).release, releases.newest()
    releases.check_known(release)
    between = releases.between(release, newest)
    return Check(path, release, newest, between, releases.notes(between))


@os_errors_expected()
def diff(path: Path, to: str | None, follow: Follow, *, colour: bool) -> tuple[str, list[str]]:
    """What an update would change, as git shows it, and what it would leave in conflict."""
    work, answers = ready(path)
    target = _target(answers, to)
    if target.release == answers.release:
        return "", []
    with plan(work, answers, target, follow) as made:
        return made.diff(colour=colour), made.changes.conflict


@os_errors_expected()
def update(path: Path, to: str | None, follow: Follow, *, test: bool) -> UpdateResult:
    """Brings the project to a release, staged; its tests may have to pass first."""
    work, answers = ready(path)
    target = _target(answers, to)
    if target.release == answers.release:
        return UpdateResult(path, f"{path.name} has release {answers.release} already")
    news = releases.notes(releases.between(answers.release, target.release))
    with plan(work, answers, target, follow) as made:
        if test:
            made.check_tests()
        made.carry_out()
    return UpdateResult(path, target.title, made.changes, made.warnings, news)


def _target(answers: Answers, to: str | None) -> Target:
    old, new = answers.release, to or releases.newest()
    for release in (old, new):
        releases.check_known(release)
    if releases.versions().index(new) < releases.versions().index(old):
        raise FastoffloadError(f"{new} is older than the project's {old}; there is no way back")
    if releases.holds(new, ENGINE) and not releases.holds(old, ENGINE):
        raise FastoffloadError(
            f"{new} is a new layout, to which no update leads from {old}: generate a new project"
            " beside this one, and move your computation into its app/jobs/; nothing was changed"
        )
    return Target(
        release=new,
        choice=answers.choice,
        title=f"the update to {new}",
        label=f"release-{new}",
        follow_renames=True,
    )

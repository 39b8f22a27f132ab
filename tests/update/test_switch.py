"""`fastoffload switch`: every variant to every other, with a user's edits in it.

What comes out is, to the byte, what the target variant is when it is generated and edited in the
same way. So the tests that a fresh project of each variant passes are passed here too.
"""

import json
from pathlib import Path

import pytest
import yaml
from conftest import VARIANTS
from workshop import OLDEST, Workshop, append, commit, contents, edit_as_users_do, git

STRATEGY = "app/offload/strategy.py"
Edited = dict[str, dict[str, bytes]]


def options(variant: str) -> tuple[str, ...]:
    """The arguments of `switch`: as those of `new`, but that the strategy comes first."""
    _, strategy, *rest = VARIANTS[variant]
    return (strategy, *rest)


@pytest.fixture(scope="session")
def edited(
    workshop: Workshop, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, bytes]]:
    """Each variant, generated and edited."""
    found = {}
    for variant in VARIANTS:
        folder = workshop.new(tmp_path_factory.mktemp(variant) / "demo", *VARIANTS[variant])
        edit_as_users_do(folder)
        found[variant] = contents(folder)
    return found


@pytest.mark.parametrize("source", VARIANTS)
def test_to_every_other(workshop: Workshop, tmp_path: Path, source: str, edited: Edited) -> None:
    project = workshop.new(tmp_path / "demo", *VARIANTS[source])
    edit_as_users_do(project)
    commit(project)
    for target in VARIANTS.keys() - {source}:
        workshop.ok("switch", *options(target), cwd=project)
        assert contents(project) == edited[target], target
        assert git(project, "diff", "--name-only") == ""
        git(project, "reset", "--quiet", "--hard")


def test_there_and_back_again(workshop: Workshop, tmp_path: Path) -> None:
    project = workshop.new(tmp_path / "demo", *VARIANTS["celery-redis"])
    edit_as_users_do(project)
    commit(project)
    before = contents(project)
    for strategy in ("background", "celery"):
        workshop.ok("switch", strategy, cwd=project)
        commit(project)
    assert contents(project) == before


def test_the_release_stays(workshop: Workshop, tmp_path: Path) -> None:
    project = workshop.new(tmp_path / "demo", *VARIANTS["background"], release=OLDEST)
    document = json.loads(
        workshop.ok("switch", "executor", "--pool", "thread", "--json", cwd=project)
    )
    assert any("GIL" in warning for warning in document["warnings"])
    assert document["title"] == "the switch to executor (thread pool)"
    answers = yaml.safe_load((project / ".copier-answers.yml").read_text())
    assert answers["_commit"] == OLDEST
    fresh = workshop.new(tmp_path / "a" / "demo", *VARIANTS["executor-thread"], release=OLDEST)
    assert contents(project) == contents(fresh)


def test_what_is_left_on_the_broker_is_said(workshop: Workshop, tmp_path: Path) -> None:
    project = workshop.new(tmp_path / "demo", *VARIANTS["celery-redis"])
    document = json.loads(workshop.ok("switch", "background", "--json", cwd=project))
    assert any("--pattern 'demo.celery:*'" in warning for warning in document["warnings"])


def test_nothing_to_do(workshop: Workshop, tmp_path: Path) -> None:
    project = workshop.new(tmp_path / "demo", *VARIANTS["executor-process"])
    assert "demo is executor (process pool) already" in workshop.ok(
        "switch", "executor", cwd=project
    )
    assert git(project, "status", "--porcelain") == ""


def test_what_is_kept_is_counted_not_listed(workshop: Workshop, tmp_path: Path) -> None:
    project = workshop.new(tmp_path / "demo", *VARIANTS["background"])
    for number, file in enumerate(sorted(project.glob("app/offload/[a-r]*.py"))):
        append(file, f"\n\nMINE = {number}\n")
    offload = project / STRATEGY
    offload.write_text("# mine\n" + offload.read_text().partition("\n")[2])
    commit(project)
    said = workshop.run("switch", "celery", cwd=project)
    assert said.returncode == 3
    assert "files kept as yours: `fastoffload status` lists them" in said.stdout
    assert STRATEGY in said.stdout
    assert "app/offload/kinds.py" not in said.stdout
    assert said.stdout.index("kept as yours") < said.stdout.index("in conflict")


def test_an_edited_strategy_is_a_conflict(workshop: Workshop, tmp_path: Path) -> None:
    project = workshop.new(tmp_path / "demo", *VARIANTS["background"])
    offload = project / STRATEGY
    append(offload, "\n\nMINE = 1\n")
    lines = offload.read_text().splitlines(keepends=True)
    offload.write_text("".join(["# mine\n", *lines[1:]]))
    commit(project)
    before = contents(project)
    left = workshop.run("switch", "celery", cwd=project)
    assert left.returncode == 3, left.stderr
    assert f"UU {STRATEGY}" in git(project, "status", "--porcelain")
    assert ">>>>>>> celery-redis\n" in offload.read_text()
    theirs = git(project, "show", f":3:{STRATEGY}") + "\n"
    git(project, "add", STRATEGY)
    refused = workshop.run("update", "--continue", cwd=project)
    assert refused.returncode == 1
    assert f"conflicts are left in {STRATEGY}" in refused.stderr
    offload.write_text(theirs)
    git(project, "add", STRATEGY)
    workshop.ok("update", "--continue", cwd=project)
    commit(project)
    git(project, "revert", "--no-edit", "HEAD")
    assert contents(project) == before

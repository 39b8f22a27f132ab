"""`fastoffload new --recipe`: the kinds that a project begins with."""

import json
import tomllib
from pathlib import Path

import pytest
from conftest import Cli
from workshop import contents, git

from fastoffload.templating.requirements import name_of, sort_key

NEW = ("new", "demo", "--defaults", "--no-install")


def folders(project: Path) -> list[str]:
    """The kinds of a project."""
    return sorted(kind.parent.name for kind in (project / "app" / "jobs").glob("*/kind.py"))


def required(project: Path) -> list[str]:
    """What it depends on, by name."""
    document = tomllib.loads((project / "pyproject.toml").read_text())
    lists = [document["project"]["dependencies"], document["dependency-groups"]["dev"]]
    assert all(sorted(entries, key=sort_key) == entries for entries in lists)
    return [name_of(entry) for entries in lists for entry in entries]


@pytest.mark.parametrize(
    ("options", "kinds", "needs"),
    [
        ((), ["report"], True),
        (("--recipe", "none"), [], False),
        (("--recipe", "blank"), ["blank"], False),
        (
            ("--recipe", "report", "--recipe", "blank", "--recipe", "report"),
            ["blank", "report"],
            True,
        ),
    ],
)
def test_it_begins_with_the_kinds_that_are_named(
    cli: Cli, tmp_path: Path, options: tuple[str, ...], kinds: list[str], needs: bool
) -> None:
    preview = json.loads(cli(*NEW, *options, "--dry-run", "--json").stdout)
    made = json.loads(cli(*NEW, *options, "--json").stdout)
    project = tmp_path / "demo"
    assert folders(project) == kinds
    assert ("fpdf2" in required(project)) == ("pypdf" in required(project)) == needs
    assert preview["files"] == made["files"] == sorted(contents(project))
    assert sorted(made["recipes"]) == kinds
    assert len([step for step in made["next_steps"] if step.startswith("curl ")]) == len(kinds)
    assert git(project, "status", "--porcelain") == ""
    assert "report" not in (project / "README.md").read_text()
    found = json.loads(cli("status", "--json", "--check", cwd=project).stdout)
    assert (found["edited"], found["missing"], found["extra"]) == ([], [], [])


@pytest.mark.parametrize(
    ("recipes", "words"),
    [
        (["imag"], "unknown recipe 'imag'; --recipe takes one of: blank"),
        (["none", "blank"], "--recipe none goes with no other"),
    ],
)
def test_what_cannot_be_is_one_line_and_leaves_nothing(
    cli: Cli, tmp_path: Path, recipes: list[str], words: str
) -> None:
    refused = cli(*NEW, *(word for name in recipes for word in ("--recipe", name)))
    assert refused.returncode == 2
    (line,) = refused.stderr.splitlines()
    assert words in line
    assert [*tmp_path.iterdir()] == []


def test_what_one_added_meets_nothing_that_a_switch_changes(cli: Cli, tmp_path: Path) -> None:
    assert cli(*NEW).returncode == 0
    project = tmp_path / "demo"
    pyproject = project / "pyproject.toml"
    pebble = '    "pebble>=5.2.3,<6",'
    lines = pyproject.read_text().splitlines(keepends=True)
    (place,) = [number for number, line in enumerate(lines) if line.startswith(pebble)]
    lines.insert(place + 1, '    "pillow>=12",\n')  # where `uv add` puts it
    pyproject.write_text("".join(lines))
    git(project, "commit", "--all", "--quiet", "--message", "mine")
    switched = cli("switch", "background", "--json", cwd=project)
    assert switched.returncode == 0, switched.stderr
    assert json.loads(switched.stdout)["changes"]["conflict"] == []
    assert {"pillow", "fpdf2"} <= {*required(project)}
    assert "pebble" not in pyproject.read_text()

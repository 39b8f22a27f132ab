"""An installed package with two releases of a small template, in the process of the tests."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from workshop import CHECKOUT

from fastoffload.git.repository import Repository
from fastoffload.templating import releases

FILES = ("one.txt", "two.txt", "folder/three.txt", "folder/same.txt")
LINES = 12
# What the new release does to each file: lines that it changes, removes, and puts new ones after.
CHANGED, REMOVED, FOLLOWED = {2, 3}, {7}, {10}


def old_lines(name: str) -> list[str]:
    """Of a file in the first release."""
    return [f"{name} {number}" for number in range(LINES)]


def new_lines(name: str) -> list[str]:
    """Of a file in the second."""
    if name == "folder/same.txt":
        return old_lines(name)
    lines = []
    for number, line in enumerate(old_lines(name)):
        if number not in REMOVED:
            lines.append(f"new {line}" if number in CHANGED else line)
        if number in FOLLOWED:
            lines.append(f"new after {line}")
    return lines


def text(lines: list[str]) -> str:
    """Their text."""
    return "".join(f"{line}\n" for line in lines)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of the package, which has the releases 1.0.0 and 1.1.0 and a cache beside it."""
    folder = tmp_path_factory.mktemp("package")
    templates, monkeypatch = folder / "templates", pytest.MonkeyPatch()
    (templates / "project" / "folder").mkdir(parents=True)
    shutil.copy(CHECKOUT / "templates" / "copier.yml", templates)
    answers = "{{ _copier_conf.answers_file }}.jinja"
    shutil.copy(CHECKOUT / "templates" / "project" / answers, templates / "project")
    (templates / "project" / "pyproject.toml").write_text('[project]\nname = "demo"\n')
    repository, earlier = Repository.init(folder / "releases.git"), None
    for version, lines in (("1.0.0", old_lines), ("1.1.0", new_lines)):
        for name in FILES:
            (templates / "project" / name).write_text(text(lines(name)))
        releases.add_commit(repository, repository.tree_of(templates), version, earlier)
        earlier = version
    repository.git("bundle", "create", str(folder / "releases.bundle"), "--tags")
    monkeypatch.setattr(releases, "BUNDLE", folder / "releases.bundle")
    monkeypatch.setattr(releases, "PACKAGE", folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    releases.versions.cache_clear()
    yield folder
    monkeypatch.undo()
    releases.versions.cache_clear()

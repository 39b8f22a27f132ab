"""From the template to files: a whole project, or of it what an application that exists is given.

The answer `package` says so: the folder of the application's package within the project (`app`,
`src/shop`), or nothing for modules beside a single `main.py`. A generated project has no such
answer.
"""

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from fastoffload.errors import FastoffloadError
from fastoffload.git.repository import Repository
from fastoffload.ownership import ENGINE, TESTS, engine_in
from fastoffload.templating import releases
from fastoffload.templating.answers import ANSWERS_FILE, PACKAGE

SAY_WHERE = ("project.py", "stand_in/app/__init__.py")  # of the engine's tests, those that do
PROCFILE = "Procfile"
BESIDE_TESTS = "application/tests"  # of the templates, what only such an application gets


def render(folder: Path, answers: Mapping[str, str], release: str) -> list[str]:
    """Writes the project into an empty folder; returns the paths of its files, sorted."""
    questions = {name: text for name, text in answers.items() if name != PACKAGE}
    with releases.templates(release) as templates:
        if PACKAGE in answers:
            files = _render_into_application(templates, folder, questions, answers[PACKAGE])
        else:
            files = render_from(templates, folder, questions)
    _complete(folder / ANSWERS_FILE, release, answers)
    return files


def render_to_tree(repository: Repository, answers: Mapping[str, str], release: str) -> str:
    """Renders into a repository of ours; returns the tree."""
    with tempfile.TemporaryDirectory(prefix="fastoffload-") as folder:
        render(Path(folder), answers, release)
        return repository.tree_of(Path(folder), ignored=True)


def render_from(templates: Path, folder: Path, answers: Mapping[str, str]) -> list[str]:
    """The same from any templates; the answers file names no release."""
    from copier import Settings, run_copy
    from copier.errors import CopierError
    from plumbum import local

    try:
        # Where Copier finds git, it asks it about each file's mode in the index; here is no index.
        with local.env(PATH=os.devnull):
            run_copy(
                str(templates),
                folder,
                data=dict(answers),
                # Not those in the user's home: the same call gives the same files everywhere.
                settings=Settings(),
                defaults=True,
                quiet=True,
            )
    except (CopierError, ValueError) as error:
        raise FastoffloadError(f"Copier cannot render the project: {error}") from error
    files = _files_in(folder)
    for name in files:
        _make_ordinary(folder / name)
    return files


def _render_into_application(
    templates: Path, folder: Path, answers: Mapping[str, str], package: str
) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="fastoffload-") as whole:
        render_from(templates, Path(whole), answers)
        return _relocate(Path(whole), templates, folder, package)


def _relocate(whole: Path, templates: Path, folder: Path, package: str) -> list[str]:
    """Moves from a whole project into a folder what an application gets; returns the paths."""
    places = {
        ENGINE: engine_in(package),
        TESTS: TESTS,
        PROCFILE: f"{TESTS}{PROCFILE}",
        ANSWERS_FILE: ANSWERS_FILE,
    }
    for old, new in places.items():
        (folder / new).parent.mkdir(parents=True, exist_ok=True)
        shutil.move(whole / old, folder / new)
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(templates / BESIDE_TESTS, folder / TESTS, dirs_exist_ok=True, ignore=ignore)
    for name in SAY_WHERE:
        _rewrite(folder / TESTS / name, places)
    return _files_in(folder)


def _rewrite(file: Path, places: Mapping[str, str]) -> None:
    """Names the places in a module that names any."""
    text = file.read_text(encoding="utf-8")
    for old, new in places.items():
        text = text.replace(f'"{old.rstrip("/")}"', f'"{new.rstrip("/")}"')
    file.write_text(text, encoding="utf-8")


def _files_in(folder: Path) -> list[str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in files)


def _complete(file: Path, release: str, answers: Mapping[str, str]) -> None:
    """Adds what Copier writes itself when it renders from a repository, and the package."""
    import yaml

    text = file.read_text(encoding="utf-8")
    line = yaml.safe_dump({"_commit": release})
    text = text.replace("_src_path:", f"{line}_src_path:", 1)
    if PACKAGE in answers:
        text += yaml.safe_dump({PACKAGE: answers[PACKAGE]})
    file.write_text(text, encoding="utf-8")


def _make_ordinary(path: Path) -> None:
    """Copier hands on the template's mode bits, and an installed template may be read-only."""
    path.chmod(path.stat().st_mode | 0o600)

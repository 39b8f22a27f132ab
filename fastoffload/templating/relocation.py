"""Of a rendered project, what an application that exists is given, and where it goes there.

The answer `package` says so: the folder of the application's package within the project (`app`,
`src/shop`), or nothing for modules beside a single `main.py`. A generated project has no such
answer.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path

from fastoffload.ownership import ENGINE, TESTS
from fastoffload.templating.answers import ANSWERS_FILE

SAY_WHERE = ("project.py", "stand_in/app/__init__.py")  # of the engine's tests, those that do
PROCFILE = "Procfile"
REQUIREMENTS = "requirements.txt"  # of the engine, in its folder
# What `init` wrote into files of the user's, for the way back.
PATCH = ".offload-init.patch"
BESIDE_TESTS = "application/tests"  # of the templates, what only such an application gets


def inside(package: str, name: str) -> str:
    """The path of what is in the application's package."""
    return f"{package}/{name}" if package else name


def engine_in(package: str | None) -> str:
    """The folder of the engine, with a slash at its end."""
    return ENGINE if package is None else f"{inside(package, 'offload')}/"


def relocate(whole: Path, templates: Path, folder: Path, package: str) -> list[str]:
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
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in files)


def _rewrite(file: Path, places: Mapping[str, str]) -> None:
    """Names the places in a module that names any."""
    text = file.read_text(encoding="utf-8")
    for old, new in places.items():
        text = text.replace(f'"{old.rstrip("/")}"', f'"{new.rstrip("/")}"')
    file.write_text(text, encoding="utf-8")

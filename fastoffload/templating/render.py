"""From the template to files: a whole project, or of it what an application that exists is given.

The answer `package` says so: the folder of the application's package within the project (`app`,
`src/shop`), or nothing for modules beside a single `main.py`. A generated project has no such
answer.

What was rendered once to be compared or merged is kept in the user's cache: Copier takes a second
for it. Where the cache is of no use, all is rendered each time.
"""

import hashlib
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from fastoffload.errors import FastoffloadError
from fastoffload.git.repository import Repository, scratch
from fastoffload.ownership import ENGINE, TESTS, engine_in
from fastoffload.templating import releases
from fastoffload.templating.answers import ANSWERS_FILE, PACKAGE

SAY_WHERE = ("project.py", "stand_in/app/__init__.py")  # of the engine's tests, those that do
PROCFILE = "Procfile"
CODE = ("", "git/", "templating/")  # where all lies that this module imports
KEPT = "rendered"
MOST_KEPT = 64  # some 300 KB each
RENDERING = ("copier", "jinja2", "jinja2-ansible-filters", "pathspec", "pyyaml")
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


def rendered(answers: Mapping[str, str], release: str) -> dict[str, bytes]:
    """The contents of the same by their paths, unless they are kept."""
    with scratch() as repository, tempfile.TemporaryDirectory(prefix="fastoffload-") as folder:
        repository.write_to(Path(folder), render_to_tree(repository, answers, release))
        return {name: Path(folder, name).read_bytes() for name in _files_in(Path(folder))}


def render_to_tree(repository: Repository, answers: Mapping[str, str], release: str) -> str:
    """The same into a repository of ours, unless it is kept; returns the tree."""
    try:
        file = _kept(answers, release, repository.object_format())
    except (FastoffloadError, ModuleNotFoundError, OSError):
        return _render_to_tree(repository, answers, release)
    with suppress(FastoffloadError):
        return repository.unbundle(file)
    tree = _render_to_tree(repository, answers, release)
    with suppress(FastoffloadError, OSError):
        _keep(file, repository.bundle(tree))
    return tree


def _render_to_tree(repository: Repository, answers: Mapping[str, str], release: str) -> str:
    with tempfile.TemporaryDirectory(prefix="fastoffload-") as folder:
        render(Path(folder), answers, release)
        return repository.tree_of(Path(folder), ignored=True)


def _kept(answers: Mapping[str, str], release: str, object_format: str) -> Path:
    """Where a rendered tree is kept: named for all that decides what is rendered."""
    from importlib.metadata import version

    code = hashlib.sha256()
    for module in sorted(path for room in CODE for path in releases.PACKAGE.glob(f"{room}*.py")):
        code.update(module.read_bytes())
    libraries = {name: version(name) for name in RENDERING}
    decides = [releases.digest(), release, dict(answers), object_format, code.hexdigest()]
    text = json.dumps([*decides, libraries], sort_keys=True)
    name = hashlib.sha256(text.encode()).hexdigest()
    return releases.cache_folder() / KEPT / f"{name}.bundle"


def _keep(file: Path, content: bytes) -> None:
    """Adds a file to those that are kept, whole or not at all; the oldest go."""
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_suffix(f".{secrets.token_hex(4)}")
    try:
        beside.write_bytes(content)
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)
    files = sorted(file.parent.iterdir(), key=lambda path: path.stat().st_mtime)
    for one in files[:-MOST_KEPT]:
        one.unlink()


def render_from(templates: Path, folder: Path, answers: Mapping[str, str]) -> list[str]:
    """The same from any templates; the answers file names no release."""
    from copier import Settings, run_copy
    from copier.errors import CopierError
    from plumbum import local

    try:
        # Where Copier finds git, it asks it about each file's mode in the index; here is no index.
        with local.env(PATH=os.devnull), _each_text_compiled_once():
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


@contextmanager
def _each_text_compiled_once() -> Iterator[None]:
    """Copier asks Jinja for the same few texts at every file: half of its time without this."""
    from jinja2 import Environment

    compile_text = Environment.from_string
    Environment.from_string = cache(compile_text)  # type: ignore[assignment,method-assign]
    try:
        yield
    finally:
        Environment.from_string = compile_text  # type: ignore[method-assign]


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

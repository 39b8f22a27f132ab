"""What a kind of job may not be called in a project: its folder, its name, its route."""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from fastoffload.errors import FastoffloadError, UsageError
from fastoffload.recipes import naming
from fastoffload.recipes.files import NOT_COPIED, Files, uses_itself
from fastoffload.recipes.kinds import KIND, kinds
from fastoffload.recipes.place import TEMPLATE, Place
from fastoffload.recipes.recipe import DEFAULT, Recipe

# Modules and fixtures of a generated project that no application has by `init`.
OF_PROJECTS = re.compile(rf"\b{TEMPLATE}\.(database|main|settings)\b|\bclient_of\b")
LEFT_OUT = {"node_modules", "site-packages", "tests", "venv"}


def check_name(name: str) -> None:
    """Raises UsageError, with a valid name, when no kind can be called so."""
    if fault := naming.fault_of(name):
        raise UsageError(f"'{name}' {fault}; take another, such as {naming.like(name)}")


def check_queue(queue: str) -> None:
    """Raises UsageError when no queue can be called so."""
    if not naming.QUEUE.fullmatch(queue):
        raise UsageError(
            f"--queue '{queue}' is no name of a queue: a small letter, then small letters, digits,"
            " '_' and '-', 50 at the most; give another, such as gpu"
        )


def check_free(place: Place, recipe: Recipe, name: str) -> None:
    """Raises FastoffloadError, with a valid name, when the project or the recipe has it."""
    folder = place.root / place.folder(name)
    if folder.is_dir() and not any(one.name != "__pycache__" for one in folder.iterdir()):
        pass  # what is left of a kind that another branch of the repository has
    elif folder.exists() or folder.is_symlink():
        raise _taken(place, name, f"there is {place.folder(name)} already")
    for other, kind in kinds(place).items():
        if kind.name == name:
            raise _taken(place, name, f"{place.folder(other)}/{KIND} has that name")
    if uses_itself(recipe, name):
        raise _taken(place, name, f"the recipe {recipe.name} has something else of that name")


def needed(recipe: Recipe) -> str | None:
    """What a recipe uses that only a generated project has, if anything."""
    for file in sorted(recipe.folder.glob("*.py")):
        if file.name not in NOT_COPIED and (found := OF_PROJECTS.search(file.read_text())):
            return f"its {file.name} uses {found[0]}"
    return None


def check_needs(recipe: Recipe) -> None:
    """Raises FastoffloadError for a recipe that only a generated project has a place for."""
    if uses := needed(recipe):
        raise FastoffloadError(
            f"the recipe {recipe.name} is for a project that `fastoffload new` generated:"
            f" {uses}; take another, such as {DEFAULT}"
        )


def check_routes(place: Place, name: str, prefix: str) -> None:
    """Raises FastoffloadError when something of the project has the route of a new kind."""
    for other, kind in kinds(place).items():
        if kind.prefix == prefix:
            raise _taken(place, name, f"{place.folder(other)}/{KIND} has its route, {prefix}")
    for file in _modules(place):
        if any(path == prefix or path.startswith(f"{prefix}/") for path in _paths(file)):
            where = file.relative_to(place.root).as_posix()
            raise _taken(place, name, f"{where} has its route, {prefix}")


def check_files(place: Place, name: str, files: Files) -> None:
    """Raises FastoffloadError when a file is there already."""
    for path in files:
        if (place.root / path).exists():
            raise _taken(place, name, f"there is {path} already")


def _taken(place: Place, name: str, why: str) -> FastoffloadError:
    others = (
        other for other in naming.others(name) if not (place.root / place.folder(other)).exists()
    )
    return FastoffloadError(f"'{name}' is taken: {why}; take another, such as {next(others)}")


def _modules(place: Place) -> Iterator[Path]:
    """The project's Python files, without what is installed or hidden."""
    for file in sorted((place.root / place.package).rglob("*.py")):
        inner = file.relative_to(place.root).parts
        if not any(part.startswith(".") or part in LEFT_OUT for part in inner):
            yield file


def _paths(file: Path) -> set[str]:
    """The paths that a module may serve: its constants, alone and behind each of its prefixes."""
    try:
        nodes = [*ast.walk(ast.parse(file.read_bytes()))]
    except (SyntaxError, ValueError):
        return set()
    paths = {text for text in _texts(nodes) if text.startswith("/")}
    calls = (node for node in nodes if isinstance(node, ast.Call))
    given = (word.value for call in calls for word in call.keywords if word.arg == "prefix")
    return paths | {prefix + path for prefix in _texts(given) for path in paths}


def _texts(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        match node:
            case ast.Constant(value=str(text)):
                yield text
            case _:
                pass

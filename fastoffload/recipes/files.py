"""The files that a recipe becomes: under the name of a kind, and in the project's own package."""

import ast
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from fastoffload.errors import FastoffloadError
from fastoffload.recipes import naming
from fastoffload.recipes.kinds import KIND, Kind
from fastoffload.recipes.place import TESTS, Place
from fastoffload.recipes.recipe import RECIPE_FILE, Recipe

MIGRATION = "migration.py"
SMOKE = "smoke.py"  # is run by `fastoffload smoke`, and goes to no project
NOT_COPIED = {RECIPE_FILE, MIGRATION, SMOKE}
NAME, CLASS = "job_name", "JobName"  # what a recipe calls its kind
TEXTS = {".css", ".html", ".js", ".md", ".py"}

Files = dict[str, bytes]
"""Contents by path within the project."""


def files_of(recipe: Recipe, name: str, place: Place, queue: str | None) -> Files:
    """All that is written for a kind of that name, but its migration."""
    made = {f"{place.folder(name)}/__init__.py": b""}
    for path in _paths(recipe.folder):
        made[_target(path, name, place)] = _content(recipe.folder, path, name, place)
    if queue:
        kind = f"{place.folder(name)}/{KIND}"
        made[kind] = with_queue(made[kind].decode(), queue).encode()
    return dict(sorted(made.items()))


def renamed(text: str, name: str, place: Place) -> str:
    """A text of a recipe, for a kind of that name."""
    return place.rehomed(_named(text, name))


def prefix_of(files: Files, name: str, place: Place) -> str:
    """Where the jobs of the kind that the files make are served."""
    return _kind(files[f"{place.folder(name)}/{KIND}"].decode()).prefix


def with_queue(text: str, queue: str) -> str:
    """A kind.py with another queue, which stands on a line of its own."""
    lines = text.splitlines(keepends=True)
    call = _kind(text).call
    line = f'    queue="{queue}",\n'
    for keyword in call.keywords:
        if keyword.arg == "queue":
            lines[keyword.value.lineno - 1] = line
            return "".join(lines)
    lines.insert((call.end_lineno or call.lineno) - 1, line)
    return "".join(lines)


def uses_itself(recipe: Recipe, name: str) -> bool:
    """Whether a module of the recipe that has the kind's name has this one too, and for another."""
    for path in recipe.folder.glob("*.py"):
        names = _bound(ast.parse(path.read_bytes()))
        if NAME in names and name in names:
            return True
    return False


def _paths(folder: Path) -> Iterator[PurePosixPath]:
    """All that goes along, relative to the recipe's folder."""
    for file in sorted(folder.rglob("*")):
        path = PurePosixPath(file.relative_to(folder).as_posix())
        hidden = any(part.startswith((".", "__pycache__")) for part in path.parts)
        if file.is_file() and not hidden and str(path) not in NOT_COPIED:
            yield path


def _target(path: PurePosixPath, name: str, place: Place) -> str:
    if _is_test(path):
        return f"{TESTS}/test_{name}{path.stem.removeprefix('test')}.py"
    return f"{place.folder(name)}/{path}"


def _content(folder: Path, path: PurePosixPath, name: str, place: Place) -> bytes:
    content = (folder / path).read_bytes()
    if path.suffix not in TEXTS:
        return content
    text = _named(content.decode(), name)
    if _is_test(path):
        return place.rehomed_test(text).encode()
    return (place.rehomed_module(text) if path.suffix == ".py" else place.rehomed(text)).encode()


def _is_test(path: PurePosixPath) -> bool:
    is_module = len(path.parts) == 1 and path.suffix == ".py"
    return is_module and path.stem.partition("_")[0] == "test"


def _named(text: str, name: str) -> str:
    return text.replace(NAME, name).replace(CLASS, naming.class_name(name))


def _kind(text: str) -> Kind:
    if kind := Kind.read(text):
        return kind
    raise FastoffloadError(f"the recipe's {KIND} makes no Kind; take another recipe")


def _bound(module: ast.Module) -> set[str]:
    """The names that a module binds at its top: by imports, definitions and assignments."""
    found: set[str] = set()
    for node in module.body:
        match node:
            case ast.Import(names) | ast.ImportFrom(names=names):
                found |= {(alias.asname or alias.name).partition(".")[0] for alias in names}
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                found.add(name)
            case ast.Assign(targets=targets):
                found |= {target.id for target in targets if isinstance(target, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=name)):
                found.add(name)
            case _:
                pass
    return found

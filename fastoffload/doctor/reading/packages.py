"""By which name a folder of a project is imported."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from fastoffload.doctor.reading.sources import Project
from fastoffload.ownership import TESTS, engine_in
from fastoffload.recipes.place import TESTS as KINDS_TESTS
from fastoffload.recipes.place import Place


def place_in(project: Project, root: Path, package: str) -> Place:
    """Where kinds go in the package, and how it is imported: by itself, and by its tests."""
    way = imported_as(project, root, package)
    tests = imported_by_tests(root, package)
    by_dots = bool(way) and imports_by_dots(project, root, package)
    return Place(root, package, way, way if tests is None else tests, by_dots=by_dots)


def imported_as(project: Project, root: Path, package: str) -> str:
    """How the package is imported: by the way in which its own modules import each other."""
    names = (name for module in project.modules for name in _imported(module.tree))
    if (way := _way(root, package, names)) is not None:
        return way
    parts = PurePosixPath(package).parts
    return ".".join(parts[1:] if parts[:1] == ("src",) else parts)


def imported_by_tests(root: Path, package: str) -> str | None:
    """The same of its tests, which may have a name of their own for it; None where none has one."""
    files = [file for file in (root / "tests").rglob("*.py") if not _is_ours(root, file)]
    return _way(root, package, (name for file in files for name in _imported(_tree(file))))


def imports_by_dots(project: Project, root: Path, package: str) -> bool:
    """Whether its modules import each other relatively, and not by any name."""
    engine = root / engine_in(package)
    own = [
        module
        for module in project.modules
        if module.path.is_relative_to(root / package) and not module.path.is_relative_to(engine)
    ]
    names = (name for module in own for name in _imported(module.tree))
    return any(_has_dots(module.tree) for module in own) and _way(root, package, names) is None


def ways_of(package: str) -> list[str]:
    """All names by which a folder may be imported; empty when its modules are, and it is not."""
    parts = PurePosixPath(package).parts
    return [".".join(parts[start:]) for start in range(len(parts) + 1)]


def _is_import_of(root: Path, parts: tuple[str, ...], way: str, name: str) -> bool:
    """Whether an import by the name finds a module if the package is imported in this way."""
    own = way.split(".") if way else []
    start = root.joinpath(*parts[: len(parts) - len(own)])
    if own and name.split(".")[: len(own)] != own:
        return False
    place = start.joinpath(*name.split("."))
    return place.with_suffix(".py").is_file() or (place / "__init__.py").is_file()


def _way(root: Path, package: str, names: Iterable[str]) -> str | None:
    """The way that most of the imported names go; None where none of them is of the package."""
    parts = PurePosixPath(package).parts
    votes = dict.fromkeys(ways_of(package), 0)
    for name in names:
        for way in votes:
            votes[way] += _is_import_of(root, parts, way, name)
    best = max(votes.values())
    return next(way for way in votes if votes[way] == best) if best else None


def _is_ours(root: Path, file: Path) -> bool:
    return file.is_relative_to(root / TESTS) or file.is_relative_to(root / KINDS_TESTS)


def _tree(file: Path) -> ast.Module:
    try:
        return ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):
        return ast.Module([], [])


def _has_dots(tree: ast.Module) -> bool:
    return any(isinstance(node, ast.ImportFrom) and node.level for node in tree.body)


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module

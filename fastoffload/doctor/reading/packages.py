"""By which name a folder of a project is imported."""

import ast
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from fastoffload.doctor.reading.sources import Module, Project


def imported_as(project: Project, root: Path, package: str) -> str:
    """How the package is imported: by the way in which its own modules import each other."""
    parts = PurePosixPath(package).parts
    ways = ways_of(package)
    votes = dict.fromkeys(ways, 0)
    for module in project.modules:
        for name in _imported(module):
            for way in ways:
                votes[way] += _is_import_of(root, parts, way, name)
    best = max(votes.values())
    if best:
        return next(way for way in ways if votes[way] == best)
    return ".".join(parts[1:] if parts[:1] == ("src",) else parts)


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


def _imported(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module

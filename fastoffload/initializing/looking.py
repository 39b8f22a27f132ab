"""Looks at an application: nothing of it is imported or run."""

import ast
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from fastoffload.doctor.reading.packages import place_in
from fastoffload.doctor.reading.sources import Project
from fastoffload.errors import FastoffloadError, UsageError
from fastoffload.initializing.applications import applications, choose
from fastoffload.initializing.found import Application, Found, Named
from fastoffload.initializing.guards import guard
from fastoffload.requirements.copies import SKIPPED

REQUIREMENTS = ("pyproject.toml", "requirements.txt", "setup.py", "Pipfile")
ENGINES = ("create_async_engine", "create_engine")
SESSIONS = ("async_sessionmaker", "sessionmaker")
BROKERS = {
    "redis": re.compile(r"rediss?://|redis:[\d]|valkey", re.IGNORECASE),
    "rabbitmq": re.compile(r"amqps?://|rabbitmq", re.IGNORECASE),
}
# A URL, the name of a driver, or the driver itself. One too many is a line that filters nothing;
# one too few, and autogenerate drops the engine's tables.
SQLITE = re.compile(r"""sqlite(\+\w+)?://|["']sqlite(\+\w+)?["']|\baiosqlite\b""")
CONFIGURES = re.compile(rb"context\.configure\s*\(")

Ask = Callable[[list[str]], str]
"""Asks which of several applications is meant, by their labels."""


def look(path: Path, named: str | None, package: str | None, ask: Ask | None) -> Found:
    """What is at the path. Raises FastoffloadError where no application can be told."""
    if not path.is_dir():
        raise FastoffloadError(f"{path} is no folder; give that of an application")
    project = Project(path)
    try:
        application = _application(project, named, ask)
        return _found(project, application, package)
    finally:
        project.close()


def _application(project: Project, named: str | None, ask: Ask | None) -> Application:
    candidates = choose(project, applications(project), named)
    if len(candidates) == 1:
        return candidates[0]
    labels = [one.label(project.root) for one in candidates]
    if ask is None:
        raise UsageError(
            f"there are several applications; name one: --app {' or --app '.join(labels)}"
        )
    return candidates[labels.index(ask(labels))]


def _found(project: Project, application: Application, package: str | None) -> Found:
    root = _root(project.root, application.file)
    inside = _package(root, application, package)
    texts = "\n".join(_texts(root))
    return Found(
        place=place_in(project, root, inside),
        application=application,
        engine=_engine(project),
        guard=guard(project, application.file),
        environments=tuple(_environments(root)),
        has_sqlite=SQLITE.search(texts) is not None,
        broker=next((name for name, seen in BROKERS.items() if seen.search(texts)), None),
    )


def _root(given: Path, file: Path) -> Path:
    """The nearest folder above the application's module that has requirements; else the given."""
    for folder in file.parents:
        if any((folder / name).is_file() for name in REQUIREMENTS):
            return folder
        if folder == given:
            break
    return given


def _package(root: Path, application: Application, given: str | None) -> str:
    if given is None:
        inside = application.file.parent.relative_to(root).as_posix()
        return "" if inside == "." else inside
    folder = PurePosixPath(given)
    if folder.is_absolute() or ".." in folder.parts or not (root / folder).is_dir():
        raise UsageError(f"--package {given} is no folder in {root}; give one, such as src/shop")
    return "" if given == "." else folder.as_posix()


def _engine(project: Project) -> Named | None:
    """The application's own engine, or what makes its sessions, where it has a name."""
    found: dict[str, list[Named]] = {}
    for module in project.modules:
        if module.mentions(re.compile(rb"create_(async_)?engine|sessionmaker")):
            for name, maker in _calls(module.tree):
                found.setdefault(maker, []).append(Named(module.path, name))
    for makers in (ENGINES, SESSIONS):
        named = [one for maker in makers for one in found.get(maker, [])]
        if named:
            return min(named, key=lambda one: one.name != "engine")
    return None


def _calls(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Names at the top of a module, and what was called for their values."""
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Call):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Name):
                yield target.id, ast.unparse(node.value.func).rpartition(".")[2]


def _environments(root: Path) -> Iterator[Path]:
    """The env.py of every Alembic tree."""
    for file in _files(root):
        if file.name == "env.py" and CONFIGURES.search(file.read_bytes()):
            yield file


def _files(root: Path) -> Iterator[Path]:
    for folder, below, files in os.walk(root):
        below[:] = sorted(name for name in below if name not in SKIPPED)
        yield from (Path(folder, name) for name in sorted(files))


def _texts(root: Path) -> Iterator[str]:
    """What may name a database or a broker: settings, sources, and what starts servers."""
    for file in _files(root):
        is_named = file.name.startswith((".env", "Procfile")) or "compose" in file.name
        if is_named or file.suffix in {".py", ".ini", ".toml"}:
            yield file.read_text(encoding="utf-8", errors="replace")

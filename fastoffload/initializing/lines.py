"""The lines that the application's own files get."""

import ast
from dataclasses import dataclass, field
from pathlib import Path

from fastoffload.file_changes import Change
from fastoffload.initializing.edits import (
    apply,
    before_return,
    imports,
    keyword,
    last_line,
    parse,
)
from fastoffload.initializing.found import Found, Named

FILTER = "include_name=include_name"


@dataclass(slots=True)
class Lines:
    """Changes of files, and what is left to the user, in words."""

    changes: dict[Path, Change] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)


def lines(found: Found, *, own_database: bool) -> Lines:
    """One import and one line in the application's module; where needed, the filter in env.py."""
    made = Lines()
    _install(found, made, own_database=own_database)
    if found.engine and not own_database:
        for file in found.environments:
            if found.has_sqlite or b"include_schemas" in file.read_bytes():
                _filter(found, file, made)
    return made


def _install(found: Found, made: Lines, *, own_database: bool) -> None:
    file, name = found.application.file, found.application.name
    source = file.read_bytes()
    tree = parse(file, source)
    engine = None if own_database else _engine(found)
    guard = _guard(found)
    heads = [_import_of_offload(found, tree), *_import_of(found, engine, tree)]
    if guard:
        heads += [*_import_of_depends(tree), *_import_of(found, guard, tree)]
    call = _call(found, engine, guard)
    if found.application.is_factory:
        line = before_return(tree, name, call)
    else:
        line = last_line(tree, name, call.format(app=name))
    if line is None:
        text = "; ".join([*heads, call.format(app="app")])
        made.left.append(f"in {found.main}, where {name}() has its application complete: {text}")
        return
    after = apply(source, [imports(tree, heads, line.line), line])
    parse(file, after)
    made.changes[file] = Change(source, after)


def _engine(found: Found) -> Named | None:
    """The engine, where the application's module can import it."""
    if found.engine and found.importable(found.engine.file) is not None:
        return found.engine
    return None


def _import_of_offload(found: Found, tree: ast.Module) -> str:
    if not found.dotted:
        return "import offload"
    return _import(found, tree, found.root / found.package / "__init__.py", "offload")


def _guard(found: Found) -> Named | None:
    """The guard, where there is no doubt about it and the application's module can import it."""
    if found.guard and found.guard.is_clear and found.importable(found.guard.file) is not None:
        return found.guard
    return None


def _import_of(found: Found, named: Named | None, tree: ast.Module) -> list[str]:
    """None where the application's module has the name already."""
    if named is None or named.file == found.application.file or named.name in _there(tree):
        return []
    return [_import(found, tree, named.file, named.name)]


def _import(found: Found, tree: ast.Module, file: Path, name: str) -> str:
    """As the application's module imports others: by dots where it does, whatever it is named."""
    has_dots = any(isinstance(node, ast.ImportFrom) and node.level for node in tree.body)
    module = (found.by_dots(file) if has_dots else None) or found.importable(file)
    return f"from {module} import {name}"


def _import_of_depends(tree: ast.Module) -> list[str]:
    return [] if "Depends" in _there(tree) else ["from fastapi import Depends"]


def _there(tree: ast.Module) -> set[str]:
    return {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def _call(found: Found, engine: Named | None, guard: Named | None) -> str:
    given = f", engine={engine.name}" if engine else ""
    if guard:
        return f"offload.install({{app}}{given}, dependencies=[Depends({guard.name})])"
    who = f"  # guard: dependencies=[Depends({found.guard.name})]" if found.guard else ""
    return f"offload.install({{app}}{given}){who}"


def _filter(found: Found, file: Path, made: Lines) -> None:
    """Alembic's autogenerate would drop the engine's tables, which it sees: told of them by name.

    On PostgreSQL it sees them only if it is to look at all schemas.
    """
    module = ".".join(filter(None, [found.dotted, "offload.database.tables"]))
    head = f"from {module} import include_name"
    source = file.read_bytes()
    opened = keyword(source, parse(file, source), "context.configure", FILTER)
    if opened is None:
        made.left.append(
            f"in {file.relative_to(found.root)}, let `include_name` of {module} decide as well:"
            " autogenerate would drop the engine's tables otherwise"
        )
        return
    tree = parse(file, opened)
    place = max(node.end_lineno or 0 for node in tree.body)
    made.changes[file] = Change(source, apply(opened, [imports(tree, [head], place)]))

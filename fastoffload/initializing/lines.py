"""The lines that the application's own files get."""

from dataclasses import dataclass, field
from pathlib import Path

from fastoffload.initializing.changes import Change
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
    """One import and one line in the application's module; on SQLite, the filter in env.py."""
    made = Lines()
    _install(found, made, own_database=own_database)
    if found.engine and found.has_sqlite and not own_database:
        for file in found.environments:
            _filter(found, file, made)
    return made


def _install(found: Found, made: Lines, *, own_database: bool) -> None:
    file = found.application.file
    source = file.read_bytes()
    tree = parse(file, source)
    heads, names = [_import_of_engine(found)], {}
    if found.engine and not own_database:
        text, names["engine"] = _imported(found, found.engine, source)
        heads += text
    call = _call(found, names.get("engine"))
    name = found.application.name
    if found.application.is_factory:
        line = before_return(tree, name, call)
        place = line.line if line else 0
    else:
        line = last_line(tree, name, call.format(app=name))
        place = line.line
    if line is None:
        text = "; ".join([*heads, call.format(app="app")])
        made.left.append(f"in {found.main}, where {name}() has its application complete: {text}")
        return
    after = apply(source, [imports(tree, heads, place), line])
    parse(file, after)
    made.changes[file] = Change(source, after)


def _import_of_engine(found: Found) -> str:
    return f"from {found.dotted} import offload" if found.dotted else "import offload"


def _imported(found: Found, wanted: Named, source: bytes) -> tuple[list[str], str | None]:
    """The import lines that a name needs in the application's module, and the name itself."""
    file = found.application.file
    if wanted.file == file:
        return [], wanted.name
    module = found.importable(wanted.file)
    if module is None:
        return [], None
    line = f"from {module} import {wanted.name}"
    tree = parse(file, source)
    import ast

    there = {
        (alias.asname or alias.name): node
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    return ([] if wanted.name in there else [line]), wanted.name


def _call(found: Found, engine: str | None) -> str:
    given = f", engine={engine}" if engine else ""
    who = f"  # guard: dependencies=[Depends({found.guard.name})]" if found.guard else ""
    return f"offload.install({{app}}{given}){who}"


def _filter(found: Found, file: Path, made: Lines) -> None:
    """Alembic's autogenerate would drop the engine's tables on SQLite, were it not told of them."""
    module = ".".join(filter(None, [found.dotted, "offload.database.tables"]))
    head = f"from {module} import include_name"
    source = file.read_bytes()
    opened = keyword(source, parse(file, source), "context.configure", FILTER)
    if opened is None:
        made.left.append(
            f"in {file.relative_to(found.root)}, let `include_name` of {module} decide as well: on"
            " SQLite, autogenerate would drop the engine's tables"
        )
        return
    tree = parse(file, opened)
    place = max(node.end_lineno or 0 for node in tree.body)
    made.changes[file] = Change(source, apply(opened, [imports(tree, [head], place)]))

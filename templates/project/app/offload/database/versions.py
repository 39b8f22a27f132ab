"""Whether a database has the newest of some revisions, told without Alembic.

Nearly always when an API starts nothing is missing, and to import Alembic takes a tenth of the time
of such a start.
"""

import ast
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, column, inspect, select, table


def is_current(
    connection: Connection, folder: Path, version_table: str, schema: str | None = None
) -> bool:
    """Whether nothing is left to apply of the revisions in the folder.

    False also where the files do not tell at a glance: then Alembic, which runs them, has to.
    """
    return _newest(folder) == _applied(connection, version_table, schema)


def _newest(folder: Path) -> set[str] | None:
    """The revisions that no other one follows; None when they are not written as Alembic does."""
    try:
        read = [_constants(path) for path in folder.glob("*.py")]
        followed = {one for names in read for one in _several(names["down_revision"])}
        return {names["revision"] for names in read} - followed
    except (KeyError, SyntaxError, ValueError):
        return None


def _constants(path: Path) -> dict[str, Any]:
    """What a module calls its revision, and the one before it."""
    found = {}
    for statement in ast.parse(path.read_bytes()).body:
        match statement:
            case (
                ast.Assign(targets=[ast.Name(name)], value=value)
                | ast.AnnAssign(target=ast.Name(name), value=ast.expr() as value)
            ) if name in {"revision", "down_revision"}:
                found[name] = ast.literal_eval(value)
    return found


def _several(down_revision: str | Iterable[str] | None) -> Iterable[str]:
    return (down_revision,) if isinstance(down_revision, str) else down_revision or ()


def _applied(connection: Connection, version_table: str, schema: str | None) -> set[str]:
    if not inspect(connection).has_table(version_table, schema):
        return set()
    versions = table(version_table, column("version_num"), schema=schema)
    return set(connection.scalars(select(versions.c.version_num)))

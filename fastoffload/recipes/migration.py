"""The migration of a recipe that has tables of its own: after those that the project has."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastoffload.errors import FastoffloadError
from fastoffload.recipes.files import MIGRATION, Files, renamed
from fastoffload.recipes.place import MIGRATIONS, Place
from fastoffload.recipes.recipe import Recipe

REVISION = re.compile(r"^revision: str = .*$", re.MULTILINE)
DOWN = re.compile(r"^down_revision: .*$", re.MULTILINE)


def migration_of(recipe: Recipe, name: str, place: Place) -> Files:
    """The recipe's revision, on top of the project's newest; nothing where it has no tables.

    Raises FastoffloadError when there is no one newest.
    """
    file = recipe.folder / MIGRATION
    if not file.exists():
        return {}
    revision, head = following(place.root / MIGRATIONS)
    text = renamed(file.read_text(encoding="utf-8"), name, place)
    text = REVISION.sub(f'revision: str = "{revision}"', text, count=1)
    below = f'"{head}"' if head else "None"
    text = DOWN.sub(f"down_revision: str | None = {below}", text, count=1)
    return {f"{MIGRATIONS}/{revision}_{name}.py": text.encode()}


def following(folder: Path) -> tuple[str, str | None]:
    """The next revision's id, and that of the newest there is, or None."""
    above = dict(_revision(path) for path in sorted(folder.glob("*.py")))
    heads = above.keys() - {below for all_below in above.values() for below in all_below}
    if len(heads) > 1:
        raise FastoffloadError(
            f"{folder} has {len(heads)} heads ({', '.join(sorted(heads))});"
            " `alembic merge heads` makes them one"
        )
    numbers = [int(one) for one in above if one.isdecimal()]
    return f"{max(numbers, default=0) + 1:04}", next(iter(heads), None)


def _revision(file: Path) -> tuple[str, tuple[str, ...]]:
    """The id of a revision, and of those that it follows."""
    try:
        found = dict(_assigned(ast.parse(file.read_bytes())))
        below = found["down_revision"] or ()
        return found["revision"], (below,) if isinstance(below, str) else tuple(below)
    except (SyntaxError, ValueError, KeyError) as error:
        raise FastoffloadError(f"{file} is no revision of Alembic: {error}; mend it") from error


def _assigned(module: ast.Module) -> Iterator[tuple[str, Any]]:
    """What a module assigns to the names that tell a revision's place."""
    for node in module.body:
        match node:
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                pass
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                pass
            case _:
                continue
        if name in ("revision", "down_revision"):
            yield name, ast.literal_eval(value)

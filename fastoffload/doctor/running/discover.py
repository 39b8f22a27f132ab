"""The project's own Python, and where its application is."""

import ast
import os
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

from fastoffload.doctor.running.scratch import LEFT_OUT
from fastoffload.errors import FastoffloadError

# Where `fastapi dev` looks, in its order.
USUAL = ("main.py", "app.py", "api.py", "app/main.py", "app/app.py", "app/api.py")
SOURCE_FOLDERS = ("src", "backend")


@dataclass(frozen=True, slots=True)
class Target:
    """What to import, and the folders that must be on sys.path, relative to the root."""

    name: str
    paths: tuple[str, ...]


def find_python(root: Path, named: Path | None) -> Path:
    """The interpreter that is named, or the nearest environment's up to the repository's root.

    Raises FastoffloadError where there is none.
    """
    if named and not os.access(named, os.X_OK):
        raise FastoffloadError(f"{named} is no interpreter; give the project's with --python")
    if named:
        return named.absolute()
    for folder in (root, *root.parents):
        for name in (".venv", "venv"):
            if (python := folder / name / "bin" / "python").exists():
                return python
        if (folder / ".git").exists():
            break
    raise FastoffloadError(
        f"{root} has no .venv to run the application with; make one (`uv sync`), or give its"
        f" interpreter with --python"
    )


def find_target(root: Path, named: str | None) -> Target:
    """The application that is named as `module:app`, else the only one that there is.

    Raises FastoffloadError when it is not clear which one is meant.
    """
    paths = ("", *(name for name in SOURCE_FOLDERS if (root / name).is_dir()))
    named = named or _in_pyproject(root / "pyproject.toml")
    if named:
        if not all(named.partition(":")):
            raise FastoffloadError(f"{named} names no application; give it as --app module:name")
        return Target(named, paths)
    usual = [found for name in USUAL for found in _applications(root, root / name)]
    found = usual[:1] or [one for file in _modules(root) for one in _applications(root, file)]
    if len(found) == 1:
        return Target(found[0], paths)
    seen = f"has several ({', '.join(found[:5])})" if found else "has no module with `FastAPI(…)`"
    raise FastoffloadError(f"{root} {seen}; name the application: --app module:name")


def _in_pyproject(file: Path) -> str | None:
    """`[tool.fastapi] entrypoint`, as `fastapi run` reads it."""
    try:
        entrypoint = tomllib.loads(file.read_text())["tool"]["fastapi"]["entrypoint"]
    except (OSError, KeyError, TypeError, ValueError):
        return None
    return str(entrypoint)


def _modules(root: Path) -> Iterator[Path]:
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        outside = {*LEFT_OUT, "tests", "test"}
        if folder.name not in outside and not (folder / "pyvenv.cfg").exists():
            yield from sorted(
                file for file in folder.rglob("*.py") if outside.isdisjoint(file.parts)
            )
    yield from sorted(root.glob("*.py"))


def _applications(root: Path, file: Path) -> Iterator[str]:
    try:
        body = ast.parse(file.read_bytes()).body
    except (OSError, SyntaxError, ValueError):
        return
    module = ".".join(_importable(file.relative_to(root)))
    made = [f"{module}:{name}" for node in body if (name := _made_by(node))]
    # What a factory makes may stand in the module as well: then it is made already.
    yield from made or [f"{module}:{node.name}" for node in body if _is_factory(node)]


def _importable(file: Path) -> list[str]:
    parts = list(file.with_suffix("").parts)
    if parts[0] in SOURCE_FOLDERS and len(parts) > 1:
        parts = parts[1:]
    return parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts


def _made_by(node: ast.stmt) -> str:
    """The name that `app = FastAPI(…)`, or `app = create_app(…)`, gives to an application."""
    if not isinstance(node, ast.Assign | ast.AnnAssign) or not isinstance(node.value, ast.Call):
        return ""
    function = node.value.func
    maker = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    makes = maker == "FastAPI" or maker.endswith(("_app", "_application"))
    return target.id if makes and isinstance(target, ast.Name) else ""


def _is_factory(node: ast.stmt) -> TypeGuard[ast.FunctionDef]:
    if not isinstance(node, ast.FunctionDef) or node.returns is None:
        return False
    takes = node.args.args + node.args.posonlyargs + node.args.kwonlyargs
    return not takes and ast.unparse(node.returns).rpartition(".")[2] == "FastAPI"

"""Finds every FastAPI application below a folder, and which of them is served."""

import ast
import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

from fastoffload.doctor.reading.sources import Module, Project
from fastoffload.errors import FastoffloadError, UsageError
from fastoffload.initializing.found import Application

MENTIONED = re.compile(rb"FastAPI|create_app|_app\b")
STARTERS = ("Dockerfile*", "Procfile*", "*compose*.y*ml", "*.sh", "Makefile", "justfile", "*.toml")
SERVED = re.compile(r"(?<![\w.:/-])([A-Za-z_][\w.]*):([A-Za-z_]\w*)(?![\w:/@])")
RUN = re.compile(rb"""\.run\(\s*(?:app=)?f?["']([\w.]+):(\w+)["']""")


def applications(project: Project) -> list[Application]:
    """Those at the top of a module, and factories; what only lives inside a function is neither."""
    modules = [module for module in project.modules if module.mentions(MENTIONED)]
    factories = {name for module in modules for name in _factories(module.tree)}
    found = []
    for module in modules:
        found += [Application(module.path, name, False) for name in _made(module.tree, factories)]
        found += [Application(module.path, name, True) for name in _factories(module.tree)]
    return found


def choose(project: Project, found: list[Application], named: str | None) -> list[Application]:
    """The one that is named or served, or those among which only the user can choose.

    Raises FastoffloadError where there is none, UsageError where the named one is not there.
    """
    if not found:
        unread = "".join(
            f"; {one.name} cannot be read ({one.why}), so mend it first" for one in project.unread
        )
        raise FastoffloadError(
            f"no FastAPI application found in {project.root}: none is at the top of a module, and"
            f" no function returns one; give the folder of one that can be imported{unread}"
        )
    if named:
        return [_named(project.root, found, named)]
    served = [one for one in found if _is_any(one, project.root, _served(project))]
    mounted = {name for module in project.modules for name in _mounted(module)}
    candidates = served or [one for one in found if one.name not in mounted] or found
    objects = [one for one in candidates if not one.is_factory]
    return objects or candidates


def _named(root: Path, found: list[Application], named: str) -> Application:
    module, _, name = named.partition(":")
    matching = [one for one in found if one.name == name and _is_module(one, root, module)]
    if len(matching) == 1:
        return matching[0]
    labels = ", ".join(one.label(root) for one in found)
    raise UsageError(f"--app {named} names none of the applications; there are {labels}")


def _made(tree: ast.Module, factories: set[str]) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Call):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Name) and _callee(node.value) in {"FastAPI", *factories}:
                yield target.id


def _factories(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and _returns_application(node):
            yield node.name


def _returns_application(function: ast.FunctionDef) -> bool:
    if function.returns is not None:
        return ast.unparse(function.returns).rpartition(".")[2].strip("'\"") == "FastAPI"
    makes = set(_made(ast.Module(function.body, []), set()))
    returned = [node.value for node in ast.walk(function) if isinstance(node, ast.Return)]
    return any(
        (isinstance(value, ast.Name) and value.id in makes)
        or (isinstance(value, ast.Call) and _callee(value) == "FastAPI")
        for value in returned
    )


def _callee(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _mounted(module: Module) -> Iterator[str]:
    """The names of what is mounted in another application."""
    if b".mount(" not in module.source:
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and _callee(node) == "mount":
            given = [*node.args[1:2], *(one.value for one in node.keywords if one.arg == "app")]
            yield from (one.id for one in given if isinstance(one, ast.Name))


def _served(project: Project) -> set[tuple[str, str]]:
    """Module and name of what the project's own files start."""
    found = {
        (match[0].decode(), match[1].decode())
        for module in project.modules
        for match in RUN.findall(module.source)
    }
    for file in _starters(project.root):
        text = file.read_text(encoding="utf-8", errors="replace")
        found |= set(SERVED.findall(_entrypoint(text) if file.suffix == ".toml" else text))
    return found


def _starters(root: Path) -> Iterator[Path]:
    for folder in (root, *(one for one in root.iterdir() if _is_looked_in(one))):
        for pattern in STARTERS:
            yield from (file for file in folder.glob(pattern) if file.is_file())


def _is_looked_in(folder: Path) -> bool:
    hidden = folder.name.startswith(".") or folder.name in {"node_modules", "venv"}
    return folder.is_dir() and not hidden


def _entrypoint(text: str) -> str:
    """`[tool.fastapi] entrypoint`, as `fastapi run` reads it."""
    try:
        return str(tomllib.loads(text)["tool"]["fastapi"]["entrypoint"])
    except (KeyError, TypeError, ValueError):
        return ""


def _is_any(one: Application, root: Path, served: Iterable[tuple[str, str]]) -> bool:
    return any(name == one.name and _is_module(one, root, module) for module, name in served)


def _is_module(one: Application, root: Path, module: str) -> bool:
    """Whether a name, from whatever folder it is meant, is that of the application's module."""
    whole = one.module(root)
    return whole == module or whole.endswith(f".{module}")

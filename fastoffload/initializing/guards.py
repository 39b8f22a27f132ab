"""The dependency by which an application knows who calls, and whether that is beyond doubt."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from fastoffload.doctor.reading.sources import Module, Project
from fastoffload.initializing.found import Guard

GUARD = re.compile(
    r"(get_|require_)?(current_)?(active_)?(user|superuser|principal|account|token|api_key|auth)"
    r"|verify_\w+|require_\w+|\w*current_\w*user\w*"
)
PLAIN = re.compile(
    r"(get_)?current_(active_)?(user|principal|account)|require_(user|auth|login|api_key)"
    r"|(get|verify|check)_(api_key|token|jwt)"
)
NARROWER = re.compile(r"\w*(superuser|admin|staff)\w*")
IN_PATHS = {"job_id", "name"}  # of the engine's routes: FastAPI takes such a parameter for these
VERBS = {"get", "post", "put", "patch", "delete", "api_route"}


def guard(project: Project, main: Path) -> Guard | None:
    """What seems to know who calls: the dependency of that kind that is asked for most often."""
    uses: Counter[str] = Counter()
    places: dict[str, list[Path]] = {}
    unfit: set[str] = set()
    for module in project.modules:
        uses.update(filter(GUARD.fullmatch, _depended(module.tree)))
        for node in module.tree.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                places.setdefault(node.name, []).append(module.path)
                if IN_PATHS & {one.arg for one in ast.walk(node.args) if isinstance(one, ast.arg)}:
                    unfit.add(node.name)
    known = [name for name in uses if name in places]
    best = max(known, key=lambda name: (not NARROWER.fullmatch(name), uses[name]), default=None)
    if best is None:
        return None
    is_clear = (
        PLAIN.fullmatch(best) is not None
        and best not in unfit
        and len(places[best]) == 1
        and not _reaches(project, places[best][0], main)
        and _guards_most(project, best, {*known})
    )
    return Guard(places[best][0], best, is_clear)


def _depended(tree: ast.AST) -> Iterator[str]:
    """Each `x` of `Depends(x)` or `Security(x)`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _callee(node) in {"Depends", "Security"}:
            yield from (one.id for one in node.args[:1] if isinstance(one, ast.Name))


def _callee(call: ast.Call) -> str:
    return ast.unparse(call.func).rpartition(".")[2]


def _guards_most(project: Project, best: str, known: set[str]) -> bool:
    """Whether at least half of the routes ask for it, and none for another but a narrower one."""
    aliases = {
        alias: name
        for module in project.modules
        for alias, value in _assigned(module.tree)
        for name in _depended(value)
        if name in known
    }
    asked = [
        _asked(route, aliases) & known for module in project.modules for route in _routes(module)
    ]
    others = {name for names in asked for name in names if not NARROWER.fullmatch(name)} - {best}
    guarded = sum(bool(names) for names in asked)
    return not others and guarded > 0 and guarded * 2 >= len(asked)


def _assigned(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Names at the top of a module with what they are, such as `CurrentUser = Annotated[…]`."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, node.value


def _routes(module: Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and any(
            isinstance(one, ast.Call)
            and isinstance(one.func, ast.Attribute)
            and one.func.attr in VERBS
            for one in node.decorator_list
        ):
            yield node


def _asked(route: ast.FunctionDef | ast.AsyncFunctionDef, aliases: dict[str, str]) -> set[str]:
    """The dependencies of a route: of its parameters, and of its decorator."""
    found: set[str] = set()
    for part in (route.args, *route.decorator_list):
        found.update(_depended(part))
        names = (node.id for node in ast.walk(part) if isinstance(node, ast.Name))
        found |= {aliases[name] for name in names if name in aliases}
    return found


def _reaches(project: Project, start: Path, goal: Path) -> bool:
    """Whether importing one module imports another: then that cannot import the first."""
    by_path = {module.path: module for module in project.modules}
    seen, waiting = set[Path](), [start]
    while waiting:
        path = waiting.pop()
        if path in seen or path not in by_path:
            continue
        seen.add(path)
        waiting += [one.path for one in _imported(project, by_path[path])]
    return start != goal and goal in seen


def _imported(project: Project, module: Module) -> Iterator[Module]:
    for name in _names(module):
        if name and (found := project.find(name, module)):
            yield found


def _names(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            for start in _starts(module, node.level):
                base = ".".join(filter(None, [start, node.module]))
                yield base
                yield from (f"{base}.{alias.name}" for alias in node.names)


def _starts(module: Module, level: int) -> list[str]:
    """The package that dots mean, under each name that the module has."""
    if not level:
        return [""]
    up = level - module.is_package
    return [".".join(name.split(".")[: len(name.split(".")) - up]) for name in module.names]

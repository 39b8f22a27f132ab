"""The command line's layout: imports point one way, and a reader sees a module whole."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from workshop import CHECKOUT

PACKAGE = CHECKOUT / "fastoffload"
MODULES = sorted(
    path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py") if "inside" not in path.parts
)
# Each room may import from those before it. Commands are on top of all but `__main__`.
ORDER = (
    "errors",
    "terminal",
    "catalog",
    "ownership",
    "system",
    "git",
    "file_changes",
    "requirements",
    "choosing",
    "recipes",
    "templating",
    "merging",
    "doctor",
    "adding",
)
ORDER += ("initializing", "bench", "smoke", "commands", "__main__")
FOUNDATION = {"errors", "terminal", "catalog", "ownership"}  # which everything stands on
MOST_LINES, MOST_MODULES, MOST_FOR_UPDATE = 250, 15, 14


@cache
def imported(module: Path) -> list[tuple[str, ...]]:
    """The modules of ours that one imports, anywhere in its text, as their parts."""
    found = []
    for node in ast.walk(ast.parse((PACKAGE / module).read_text())):
        if isinstance(node, ast.Import):
            assert not any(alias.name.startswith("fastoffload.") for alias in node.names), module
        elif isinstance(node, ast.ImportFrom) and node.module:
            root, *parts = node.module.split(".")
            for alias in node.names if root == "fastoffload" else ():
                inner = (*parts, alias.name)
                is_module = PACKAGE.joinpath(*inner).with_suffix(".py").exists()
                found.append(inner if is_module else tuple(parts))
    return found


def reached(module: Path) -> set[Path]:
    """The module and all that it imports, however far down."""
    seen, waiting = set(), [module]
    while waiting:
        if (one := waiting.pop()) not in seen:
            seen.add(one)
            waiting += [Path(*parts).with_suffix(".py") for parts in imported(one)]
    return seen


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_imports_point_one_way(module: Path) -> None:
    room = module.parts[0].removesuffix(".py")
    for parts in imported(module):
        if parts:
            assert ORDER.index(parts[0]) <= ORDER.index(room), parts


def test_no_command_imports_another() -> None:
    for module in (PACKAGE / "commands").glob("*.py"):
        others = {parts[1] for parts in imported(module) if parts[:1] == ("commands",)}
        assert not {name for name in others if not name.startswith("_")}, module


def test_no_circle_among_modules() -> None:
    for module in MODULES:
        for parts in imported(module):
            below = Path(*parts).with_suffix(".py")
            if parts and below != module and (PACKAGE / below).exists():
                assert module not in reached(below), (module, below)


def test_modules_and_folders_are_small() -> None:
    for module in MODULES:
        assert len((PACKAGE / module).read_text().splitlines()) <= MOST_LINES, module
    for folder in {module.parent for module in MODULES}:
        inside = [one for one in MODULES if one.parent == folder and one.stem != "__init__"]
        assert len(inside) <= MOST_MODULES, folder
    for folder in (CHECKOUT / "tests", *(CHECKOUT / "tests").glob("*/")):
        assert len([*folder.glob("*.py")]) <= MOST_MODULES, folder


def test_an_update_passes_few_modules() -> None:
    passed = {one.with_suffix("").as_posix() for one in reached(Path("merging/update.py"))}
    below = passed - FOUNDATION - {"merging/update"}
    assert len(below) <= MOST_FOR_UPDATE, sorted(below)


def test_actions_are_pinned_by_their_commit() -> None:
    workflows = [file for file in CHECKOUT.rglob(".github/workflows/*.y*ml*") if file.is_file()]
    used = [line for file in workflows for line in file.read_text().splitlines() if "uses:" in line]
    assert {file.name for file in workflows} == {"ci.yml", "ci.yml.jinja", "templates.yml"}
    loose = [line for line in used if not re.search(r"@[0-9a-f]{40}  # v\d+\.\d+\.\d+$", line)]
    assert used
    assert loose == []

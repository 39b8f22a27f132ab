"""Which files that are missing the rest of a project still uses: a sample may be deleted whole."""

import ast
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Self

# What is used without being named anywhere: by packaging tools, and the engine whole.
ALWAYS = re.compile(r"pyproject\.toml|(\w+/)*offload/.*")
STARTERS = {"Procfile", "Dockerfile", "compose.yaml"}
PAGES = {".html", ".js", ".css"}
TESTS = "tests/"


@dataclass(frozen=True, slots=True)
class Uses:
    """What the present files use: modules, and files named in their text."""

    modules: set[str]
    text: str
    commands: str

    @classmethod
    def of(cls, texts: Mapping[str, str]) -> Self:
        """By the files' contents."""
        return cls(
            modules={module for name, text in texts.items() for module in _imports(name, text)},
            text="\n".join(texts.values()),
            commands="\n".join(text for name, text in texts.items() if name in STARTERS),
        )

    def include(self, name: str) -> bool:
        """Whether the file of that name is used."""
        path = PurePosixPath(name)
        if name.startswith(TESTS):
            return False
        if ALWAYS.fullmatch(name):
            return True
        if path.suffix == ".py":
            module = _module(path)
            return module in self.modules or _is_named(module, self.commands)
        in_package = any(one.startswith(f"{path.parts[0]}.") for one in self.modules)
        return in_package and _is_named(path.name, self.text)


def still_needed(missing: Collection[str], project: Path, present: Collection[str]) -> list[str]:
    """The paths of those missing files that the present ones use."""
    if not missing:
        return []  # as almost always; otherwise every file is parsed
    uses = Uses.of({name: _text(project / name) for name in present if _may_use(name)})
    return sorted(name for name in missing if uses.include(name))


def _is_named(name: str, text: str) -> bool:
    """Whether a text has the name, not as a part of another: `api.js` is not in openapi.json."""
    return re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", text) is not None


def _may_use(name: str) -> bool:
    """Whether a file names others that the service needs; what tests need, they say themselves."""
    path = PurePosixPath(name)
    return not name.startswith(TESTS) and (path.suffix in {".py", *PAGES} or name in STARTERS)


def _text(file: Path) -> str:
    return file.read_text(errors="replace") if file.is_file() else ""


def _module(path: PurePosixPath) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def _imports(name: str, text: str) -> Iterator[str]:
    """The modules that a file imports, and the packages that they are in."""
    if not name.endswith(".py"):
        return
    try:
        nodes = [*ast.walk(ast.parse(text))]
    except (SyntaxError, ValueError):  # conflict markers are told of elsewhere
        return
    for node in nodes:
        for module in _imported(node, PurePosixPath(name).parent.parts):
            parts = module.split(".")
            yield from (".".join(parts[:length]) for length in range(1, len(parts) + 1))


def _imported(node: ast.AST, package: tuple[str, ...]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        above = package[: len(package) - node.level + 1] if node.level else ()
        base = ".".join([*above, *filter(None, [node.module])])
        yield from (f"{base}.{alias.name}" for alias in node.names)

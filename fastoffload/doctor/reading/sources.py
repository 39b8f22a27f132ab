"""The files of a project, and which module each is."""

import ast
import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from fastoffload.doctor.reading.grammar import Grammar
from fastoffload.doctor.reading.resolving.bindings import Bindings, bindings_of
from fastoffload.doctor.report import NotJudged

# Nothing in them runs on the loop of the application: others' code, tests, one-off scripts.
SKIPPED = {
    "node_modules", "site-packages", "__pycache__", "build", "dist", "tests", "test", "testing",
    "migrations", "alembic", "docs", "docs_src", "examples", "benchmarks",
}  # fmt: skip
A_TEST = re.compile(r"(test_.*|.*_test|conftest|tests)\.py")
# A folder that holds one of these is where a Python process is started.
MARKS = {
    "pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "Dockerfile", "main.py",
    "manage.py", "Pipfile",
}  # fmt: skip


class Module:
    """A file of the project; its tree is read when somebody asks for it."""

    __slots__ = ("_bindings", "_project", "_tree", "file", "names", "path", "source")

    def __init__(self, project: "Project", path: Path, source: bytes) -> None:
        self._project = project
        self._tree: ast.Module | None = None
        self._bindings: Bindings | None = None
        self.path = path
        self.source = source
        self.file = path.relative_to(project.root).as_posix()
        self.names: list[str] = []

    @property
    def tree(self) -> ast.Module:
        """The syntax tree; an empty one if the file cannot be read, which is counted."""
        if self._tree is None:
            self._tree = self._project.parse(self)
        return self._tree

    @property
    def bindings(self) -> Bindings:
        """What its names are bound to."""
        if self._bindings is None:
            self._bindings = bindings_of(self.tree, with_globals=b"global " in self.source)
        return self._bindings

    @property
    def is_package(self) -> bool:
        """Whether relative imports count from itself."""
        return self.path.name == "__init__.py"

    def mentions(self, pattern: re.Pattern[bytes]) -> bool:
        """Whether its text has the pattern: cheaper than its tree."""
        return pattern.search(self.source) is not None


class Project:
    """All modules under a root."""

    def __init__(self, root: Path, libraries: Iterable[str] = ()) -> None:
        self.root = root
        self.unread: list[NotJudged] = []
        # A file of the project that is named as one of these is not what `import` means.
        self._foreign = {*sys.stdlib_module_names, *libraries}
        self._grammar = Grammar()
        self.modules = list(self._modules())
        self._by_path = {str(module.path): module for module in self.modules}
        self._known_beside: dict[tuple[str, Path], list[Module]] = {}
        self._by_name: dict[str, list[Module]] = {}
        self._name_all()

    def parse(self, module: Module) -> ast.Module:
        """The module's tree; an empty one, and the file noted as unread, if it has none."""
        tree = self._grammar.parse(module.path, module.source)
        if isinstance(tree, str):
            self.unread.append(NotJudged(module.file, tree))
            return ast.Module([], [])
        return tree

    def close(self) -> None:
        """Ends what was started for parsing."""
        self._grammar.close()

    def find(self, name: str, user: Module) -> Module | None:
        """The module that `import name` in `user` means; None if it is not of this project."""
        found = self._by_name.get(name) or self._beside(name, user.path.parent)
        return max(found, key=lambda module: _shared(module.path, user.path), default=None)

    def _beside(self, name: str, folder: Path) -> list[Module]:
        """What the folder or one above it has under the name: somebody may put it on sys.path."""
        if name.partition(".")[0] in self._foreign:
            return []
        if (name, folder) not in self._known_beside:
            self._known_beside[name, folder] = list(self._look_beside(name, folder))[:1]
        return self._known_beside[name, folder]

    def _look_beside(self, name: str, folder: Path) -> Iterator[Module]:
        below = name.replace(".", os.sep)
        for above in (folder, *folder.parents):
            if not above.is_relative_to(self.root):
                break
            for file in (f"{above}{os.sep}{below}{end}" for end in (f"{os.sep}__init__.py", ".py")):
                if file in self._by_path:
                    yield self._by_path[file]

    def is_folder(self, name: str) -> bool:
        """Whether it is a package without `__init__.py`."""
        return name in self._folders

    def _modules(self) -> Iterator[Module]:
        for folder, below, files in os.walk(self.root):
            below[:] = sorted(name for name in below if self._is_read(Path(folder, name)))
            for name in sorted(files):
                if name.endswith(".py") and not A_TEST.fullmatch(name):
                    path = Path(folder, name)
                    try:
                        yield Module(self, path, path.read_bytes())
                    except OSError as error:
                        file = path.relative_to(self.root).as_posix()
                        self.unread.append(NotJudged(file, error.strerror or str(error)))

    def _is_read(self, folder: Path) -> bool:
        name = folder.name
        return not (name in SKIPPED or name.startswith(".") or (folder / "pyvenv.cfg").exists())

    def _name_all(self) -> None:
        roots = self._roots()
        self._folders = set[str]()
        for module in self.modules:
            for root in roots & {*module.path.parents}:
                parts = module.path.relative_to(root).with_suffix("").parts
                parts = parts[:-1] if module.is_package else parts
                if parts:
                    name = ".".join(parts)
                    module.names.append(name)
                    self._by_name.setdefault(name, []).append(module)
                    self._folders |= {".".join(parts[:end]) for end in range(1, len(parts))}

    def _roots(self) -> set[Path]:
        """Folders that imports start from: no packages, and marked or above a package."""
        folders = {module.path.parent for module in self.modules}
        packages = {module.path.parent for module in self.modules if module.is_package}
        above = {folder.parent for folder in packages}
        marked = {folder for folder in folders if any((folder / mark).exists() for mark in MARKS)}
        # A script beside an `__init__.py` is started from its own folder as well.
        started = {folder for folder in marked if (folder / "main.py").exists()}
        inside = {
            self.root,
            *(folder for folder in above | marked if folder.is_relative_to(self.root)),
        }
        return (inside - packages) | started | {self.root}


def _shared(one: Path, other: Path) -> int:
    return len(os.path.commonpath([one, other]))

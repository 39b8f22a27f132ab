"""What is found in an application."""

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fastoffload.recipes.place import Place


@dataclass(frozen=True, slots=True)
class Application:
    """An object that `FastAPI(…)` made; or, of a factory, the function that makes one."""

    file: Path
    name: str
    is_factory: bool

    def module(self, root: Path) -> str:
        """The dotted name of its module, from the root."""
        return ".".join(module_parts(self.file.relative_to(root)))

    def label(self, root: Path) -> str:
        """As `--app` takes it."""
        return f"{self.module(root)}:{self.name}"


@dataclass(frozen=True, slots=True)
class Named:
    """A name at the top of a module."""

    file: Path
    name: str


@dataclass(frozen=True, slots=True)
class Guard(Named):
    """A dependency that seems to know who calls; clear where most of the routes ask for it."""

    is_clear: bool


@dataclass(frozen=True, slots=True)
class Found:
    """All that is known of an application before anything is asked.

    `root` is the folder with its requirements. `package` is the folder of the application's module
    within it, empty for a `main.py` at the root; `dotted` is how that folder is imported.
    """

    place: Place
    application: Application
    engine: Named | None
    guard: Guard | None
    environments: tuple[Path, ...]
    has_sqlite: bool
    broker: str | None

    @property
    def root(self) -> Path:
        """Of the project."""
        return self.place.root

    @property
    def package(self) -> str:
        """A path within the root."""
        return self.place.package

    @property
    def dotted(self) -> str:
        """The package's name."""
        return self.place.imported

    @property
    def main(self) -> str:
        """The file of the application's module, as a path within the root."""
        return self.application.file.relative_to(self.root).as_posix()

    def importable(self, file: Path) -> str | None:
        """The dotted name by which a module is imported there; None for one that is elsewhere."""
        if not file.is_relative_to(self._start):
            return None
        return ".".join(module_parts(file.relative_to(self._start)))

    def by_dots(self, file: Path) -> str | None:
        """How the application's module imports another relatively; None where it cannot."""
        here = self.application.file.parent
        path = Path(os.path.relpath(file.with_suffix(""), here))
        up = path.parts.count("..")
        if not here.is_relative_to(self._start) or up >= len(here.relative_to(self._start).parts):
            return None
        names = [one for one in path.parts[up:] if one != "__init__"]
        return "." * (up + 1) + ".".join(names)

    @property
    def _start(self) -> Path:
        """The folder from which names are imported."""
        above = PurePosixPath(self.package).parts
        own = self.dotted.split(".") if self.dotted else []
        return self.root.joinpath(*above[: len(above) - len(own)])


def module_parts(file: Path) -> list[str]:
    """The parts of a module's dotted name."""
    parts = list(file.with_suffix("").parts)
    return parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts

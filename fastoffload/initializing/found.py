"""What is found in an application."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath


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

    root: Path
    application: Application
    package: str
    dotted: str
    engine: Named | None
    guard: Guard | None
    environments: tuple[Path, ...]
    has_sqlite: bool
    broker: str | None

    @property
    def main(self) -> str:
        """The file of the application's module, as a path within the root."""
        return self.application.file.relative_to(self.root).as_posix()

    def importable(self, file: Path) -> str | None:
        """The dotted name by which a module is imported there; None for one that is elsewhere."""
        above = PurePosixPath(self.package).parts
        start = self.root.joinpath(
            *above[: len(above) - len(self.dotted.split(".")) * bool(self.dotted)]
        )
        if not file.is_relative_to(start):
            return None
        return ".".join(module_parts(file.relative_to(start)))


def module_parts(file: Path) -> list[str]:
    """The parts of a module's dotted name."""
    parts = list(file.with_suffix("").parts)
    return parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts

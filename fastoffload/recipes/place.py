"""Where a kind of job goes in a project: its package may have any name, and lie anywhere."""

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

TEMPLATE = "app"  # the package that recipes are written for
TESTS = "tests/jobs"
MIGRATIONS = "migrations/versions"
# Not `app.state`: there `app` is an application.
MODULES = "database|jobs|main|offload|settings"
DOTTED = re.compile(rf"(?<![\w./]){TEMPLATE}\.(?=({MODULES})\b)")
FROM = re.compile(rf"^([ ]*)from {TEMPLATE}\.(?=({MODULES})\b)", re.MULTILINE)
# Then they stand in one block with those of the kind's own folder.
APART = re.compile(r"^(from \.\.\.[^\n]+\n)\n(?=from \.)", re.MULTILINE)
SLASHED = re.compile(rf"(?<![\w./]){TEMPLATE}/(?=({MODULES})\b)")


@dataclass(frozen=True, slots=True)
class Place:
    """A project's folder and, with `/` between its parts, its package.

    The package is empty where modules lie beside a single main.py. `imported` is the name by which
    it is imported; empty where its folder is none that is imported, and its modules are. Tests may
    import it by another name; with `by_dots` its own modules import each other by none.
    """

    root: Path
    package: str = TEMPLATE
    imported: str = TEMPLATE
    tested: str = TEMPLATE
    by_dots: bool = False

    def module(self, name: str) -> str:
        """By which name a module of the package is imported."""
        return f"{self.imported}.{name}" if self.imported else name

    @property
    def jobs(self) -> str:
        """The folder of all kinds."""
        return str(PurePosixPath(self.package, "jobs"))

    def folder(self, name: str) -> str:
        """The folder of a kind."""
        return f"{self.jobs}/{name}"

    def has_migrations(self) -> bool:
        """Whether there are migrations as a generated project has them."""
        return (self.root / MIGRATIONS).is_dir() and (self.root / "migrations/env.py").is_file()

    def rehomed(self, text: str) -> str:
        """A recipe's text, which is written for the package `app`, for this one."""
        return self._rehomed(text, self.imported)

    def rehomed_module(self, text: str) -> str:
        """The same of a module in a kind's folder."""
        if self.by_dots:
            text = APART.sub(r"\1", FROM.sub(r"\1from ...", text))
        return self.rehomed(text)

    def rehomed_test(self, text: str) -> str:
        """The same of a test of a kind."""
        return self._rehomed(text, self.tested)

    def _rehomed(self, text: str, imported: str) -> str:
        text = DOTTED.sub(f"{imported}." if imported else "", text)
        return SLASHED.sub(f"{self.package}/" if self.package else "", text)

"""The variants: each generated as a user would, and what its own Python is started with."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

INSIDE = Path(__file__).parent / "inside"  # what runs with a project's own Python

VARIANTS = {
    "background": ["--strategy", "background"],
    "executor, threads": ["--strategy", "executor", "--pool", "thread"],
    "executor, processes": ["--strategy", "executor", "--pool", "process"],
    "celery": ["--strategy", "celery"],
    "dramatiq": ["--strategy", "dramatiq"],
}
QUEUES = ("celery", "dramatiq")


@dataclass(frozen=True, slots=True)
class Project:
    """A project that is generated and installed."""

    variant: str
    folder: Path

    def environment(self, *paths: Path, **settings: str) -> dict[str, str]:
        """This process's environment with the project's programs, modules and settings."""
        return os.environ | {
            "PATH": f"{self.folder / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join(map(str, (*paths, self.folder))),
            **settings,
        }

    def script(self, name: str, *arguments: object) -> list[str]:
        """The command that runs one of the scripts in `inside`."""
        python = self.folder / ".venv" / "bin" / "python"
        return [str(python), str(INSIDE / name), *map(str, arguments)]

    @property
    def tests(self) -> tuple[Path, Path]:
        """Where the modules of the project's tests are found."""
        return self.folder / "tests", self.folder / "tests" / "faults"


def generate(folder: Path, variant: str) -> Project:
    """Generate and install a variant below the folder."""
    project = folder / f"try-{variant.replace(', ', '-')}"  # no project may have a package's name
    command = [sys.executable, "-m", "fastoffload", "new", str(project), *VARIANTS[variant]]
    subprocess.run([*command, "--no-git"], check=True, stdout=subprocess.DEVNULL)
    return Project(variant, project)

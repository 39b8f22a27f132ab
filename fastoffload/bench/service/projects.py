"""The variants as projects: generated as a user would, or found on the disk."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fastoffload.bench.service.own_compute import OwnCompute
from fastoffload.catalog import Choice, variants
from fastoffload.errors import FastoffloadError, UsageError
from fastoffload.system.processes import run
from fastoffload.system.servers import kind_of
from fastoffload.system.uv import add, sync
from fastoffload.templating.answers import Answers
from fastoffload.templating.options import NewOptions
from fastoffload.templating.project import create

INSIDE = Path(__file__).parent.parent / "inside"  # what runs with a project's own Python
SAMPLE = "app/jobs/report/page/nile.csv"  # what all reports are about
NEEDED = (
    "Procfile",
    "app/main.py",
    "app/jobs/report/kind.py",
    SAMPLE,
    "tests/offload/databases.py",
    ".venv/bin/python",
)


@dataclass(frozen=True, slots=True)
class Project:
    """A project that is installed; its files are only read."""

    variant: str
    folder: Path
    choice: Choice

    @property
    def sample(self) -> bytes:
        """The CSV that all reports are about."""
        return (self.folder / SAMPLE).read_bytes()

    @property
    def strategy(self) -> str:
        """The name of the strategy."""
        return self.choice.strategy.name

    @property
    def broker_url(self) -> str:
        """The broker of BROKER_URL where it is of this variant's kind, or "": the embedded one."""
        return given_broker(self.choice)

    def environment(self, *paths: Path, **settings: str) -> dict[str, str]:
        """This process's environment with the project's programs, modules and settings."""
        return os.environ | {
            "API_KEY": "",
            "BROKER_URL": self.broker_url,
            "PATH": f"{self.folder / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join(map(str, (*paths, self.folder))),
            **settings,
        }

    def command(self, name: str, *arguments: object) -> list[str]:
        """The command that runs one of the scripts in `inside`."""
        python = self.folder / ".venv" / "bin" / "python"
        return [str(python), str(INSIDE / name), *map(str, arguments)]

    def script(self, name: str, *arguments: object, env: Mapping[str, str], cwd: Path) -> list[str]:
        """The lines that a script in `inside` prints. Raises FastoffloadError when it fails."""
        code, output = run(self.command(name, *arguments), cwd, env)
        lines = output.strip().splitlines()
        if code != 0:
            reason = lines[-1] if lines else f"exit code {code}"
            raise FastoffloadError(f"{reason} (in {name}, {self.variant})")
        return lines

    @property
    def tests(self) -> Path:
        """Where the modules of the project's tests are found."""
        return self.folder / "tests"


def given_broker(choice: Choice) -> str:
    """The address in BROKER_URL if a server of the choice's kind is there, or "".

    Raises UsageError when it is the address of no broker at all.
    """
    kind, url = choice.answers.get("broker"), os.environ.get("BROKER_URL")
    if kind and url and kind_of("BROKER_URL", url, ("redis", "rabbitmq")) == kind:
        return url
    return ""


def generate(
    folder: Path,
    name: str,
    own: OwnCompute | None,
    packages: Sequence[str],
    release: str | None = None,
) -> Project:
    """Generate and install a variant below the folder."""
    choice = variants()[name]
    place = folder / f"try-{name}"  # no project may have the name of a package
    options = NewOptions.of(
        place, name=None, description=None, release=release, install=False, git=False
    )
    create(options, choice)
    if own:
        own.put_into(place)
    trouble = add(place, packages) if packages else sync(place)
    if trouble:
        raise FastoffloadError(f"{name} cannot be installed; uv said: {trouble}")
    return Project(name, place, choice)


def existing(folder: Path) -> Project:
    """A project that is there; raises UsageError when it is none, or not installed."""
    place = Path(os.path.realpath(folder))
    missing = [name for name in NEEDED if not (place / name).exists()]
    if missing:
        raise UsageError(
            f"{folder} lacks {missing[0]}; give the folder of a generated project, after `uv sync`"
        )
    return Project(place.name, place, Answers.read(place).choice)

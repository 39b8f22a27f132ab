"""One generated project on its way through the stages."""

import asyncio
import itertools
import os
import random
import socket
from asyncio.subprocess import Process
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from fastoffload.catalog import Choice
from fastoffload.recipes.recipe import Recipe, in_templates
from fastoffload.smoke.matrix import Entry
from fastoffload.smoke.project.client import Client
from fastoffload.smoke.project.environments import Environments
from fastoffload.smoke.project.family import Family
from fastoffload.smoke.project.services import Services
from fastoffload.smoke.project.slots import Slots
from fastoffload.smoke.stages.outcome import StageError, left_nothing
from fastoffload.system.uv import FOREIGN_PROJECT
from fastoffload.templating.first_kinds import FirstKind

# What would make a project's programs run on other things than they are smoked with.
FOREIGN_SETTINGS = FOREIGN_PROJECT | {
    "API_KEY",
    "BROKER_URL",
    "DATABASE_URL",
    "PYTEST_ADDOPTS",
    "PYTHONDONTWRITEBYTECODE",  # each start would compile all anew
    "PYTHONPATH",
    "QUEUE_PREFIX",
    "STORAGE_URL",
    "WEB_PORT",
}
LEAVE_SECONDS = 3  # for what ends by itself when its parent has
# Below the ports that systems hand out by themselves: nobody else is given one by chance.
PORTS = range(20_000, 32_000)
_taken: set[int] = set()
_numbers = itertools.count()


@dataclass(slots=True)
class Place:
    """What all projects of a smoke share."""

    root: Path
    templates: Path
    environments: Environments
    services: Services | None
    slots: Slots
    alone: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))


@dataclass(slots=True)
class Running:
    """A project that serves."""

    starter: Process
    family: Family
    client: Client


@dataclass(slots=True)
class Project:
    """A project in a folder of its own, and the family of each of its stages.

    The one that is `tested_whole` runs the tests that know nothing of strategies, for all others.
    With each of the keys as its API_KEY, "" for none, its contract is looked at.
    The settings are those that its kinds need, of the service and of what asks it.
    """

    entry: Entry
    choice: Choice
    place: Place
    tested_whole: bool = True
    keys: tuple[str, ...] = ()
    folder: Path = field(init=False)
    running: Running | None = None
    kinds: list[FirstKind] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)
    _number: int = field(default_factory=lambda: next(_numbers))

    def __post_init__(self) -> None:
        self.folder = self.place.root / self.entry.name

    @property
    def recipes(self) -> list[Recipe]:
        """The recipes of its kinds."""
        found = in_templates(self.place.templates)
        return [found[name] for name in self.entry.recipes]

    @property
    def programs(self) -> Path:
        """Where the programs of its environment are."""
        return self.folder / ".venv" / "bin"

    def log(self, stage: str) -> Path:
        """What the programs of a stage print."""
        return self.place.root / f"{self.entry.name}.{stage}.log"

    def temporary(self, stage: str) -> Path:
        """Where the programs of a stage put what they need for a moment."""
        # A short path: sockets are made below it, and their names may have 104 characters.
        return self.place.root / f"{self._number}{stage}"

    def family(self, stage: str, *folders: Path) -> Family:
        """For the programs of a stage; they have a folder for temporary files."""
        temporary = self.temporary(stage)
        temporary.mkdir(exist_ok=True)
        environment = {key: v for key, v in os.environ.items() if key not in FOREIGN_SETTINGS}
        environment["PATH"] = f"{self.programs}{os.pathsep}{environment.get('PATH', '')}"
        environment["TMPDIR"] = str(temporary)
        mark = f"{self.place.root}:{self.entry.name}:{stage};"
        return Family(mark, [temporary, *folders], environment)

    async def run(self, stage: str, *command: str | Path, **environment: str) -> None:
        """A program to its end. Raises StageError when it fails or leaves a process behind."""
        family = self.family(stage)
        try:
            code = await family.run(command, self.folder, self.log(stage), **environment)
            if code != 0:
                raise StageError(f"{Path(command[0]).name} ended with {code}")
            await left_nothing(family, LEAVE_SECONDS)
        finally:
            family.kill()


def free_port() -> int:
    """A loopback port that nobody listens on, each given once."""
    while True:
        port = random.choice(PORTS)
        with socket.socket() as probe:
            if port not in _taken and probe.connect_ex(("127.0.0.1", port)) != 0:
                _taken.add(port)
                return port

"""Adds requirements the way the project does it: uv, Poetry, PDM, Pipenv, or a list for pip."""

import os
import shlex
import shutil
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastoffload import terminal
from fastoffload.errors import FastoffloadError
from fastoffload.system.processes import run
from fastoffload.system.uv import FOREIGN_PROJECT, uv_program
from fastoffload.system.uv_workspace import workspace_around
from fastoffload.templating.requirements import DEVELOPMENT, PRODUCTION, name_of

PYPROJECT = "pyproject.toml"
FOR_PIP = {
    PRODUCTION: ("requirements.txt", "requirements/base.txt"),
    DEVELOPMENT: ("requirements-dev.txt", "dev-requirements.txt", "requirements/dev.txt"),
}
# How each adds: to what the service needs, and to what only its developers do.
PROGRAMS: dict[str, dict[str, tuple[str, ...]]] = {
    "uv": {PRODUCTION: ("add",), DEVELOPMENT: ("add", "--dev")},
    "poetry": {PRODUCTION: ("add",), DEVELOPMENT: ("add", "--group", "dev")},
    "pdm": {PRODUCTION: ("add",), DEVELOPMENT: ("add", "--dev")},
    "pipenv": {PRODUCTION: ("install",), DEVELOPMENT: ("install", "--dev")},
}
LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock")
SHOWN_LINES = 5

Requirements = Mapping[str, Sequence[str]]
"""By the list that they belong to."""


@dataclass(frozen=True, slots=True)
class Manager:
    """What a project's requirements are kept by: a program, or "pip" for lists of them."""

    name: str
    root: Path

    @classmethod
    def of(cls, root: Path) -> "Manager":
        """By the project's lock file, else by what its pyproject.toml says."""
        for lock, name in {"poetry.lock": "poetry", "pdm.lock": "pdm", "Pipfile": "pipenv"}.items():
            if (root / lock).exists():
                return cls(name, root)
        tables = _pyproject(root)
        tools = tables.get("tool", {}).keys() & {"poetry", "pdm", "uv"}
        if tools:
            return cls("uv" if "uv" in tools else min(tools), root)
        has_lists = any((root / name).exists() for name in FOR_PIP[PRODUCTION])
        is_uv = (root / "uv.lock").exists() or ("project" in tables and not has_lists)
        return cls("uv" if is_uv else "pip", root)

    @property
    def runs(self) -> str:
        """What a command is run by, with the blank after it; "" in an environment of one's own."""
        return "" if self.name == "pip" else f"{self.name} run "

    @property
    def files(self) -> list[Path]:
        """What adding may change: it is put back when something goes wrong."""
        names = (PYPROJECT, "Pipfile", *LOCKS, *FOR_PIP[PRODUCTION], *FOR_PIP[DEVELOPMENT])
        return [*(self.root / name for name in names), self._workspace / "uv.lock"]

    def add(self, wanted: Requirements) -> list[str]:
        """Adds them; returns the commands that are left to the user.

        Raises FastoffloadError with what the program said when it fails.
        """
        left = []
        for group, requirements in wanted.items():
            if requirements:
                left += self._add(group, requirements)
        return left

    def missing(self, wanted: Requirements) -> dict[str, list[str]]:
        """Without those that the project asks for already, in whatever version."""
        there = self._names()
        return {
            group: [one for one in requirements if name_of(one) not in there]
            for group, requirements in wanted.items()
        }

    def _add(self, group: str, requirements: Sequence[str]) -> list[str]:
        if self.name == "pip":
            return self._list(group, requirements)
        words = [*PROGRAMS[self.name][group], *self._options(), *requirements]
        program = uv_program() if self.name == "uv" else shutil.which(self.name)
        shown = shlex.join([self.name, *words])
        if program is None:
            return [shown]
        with terminal.progress(f"Adding {', '.join(requirements)} ({self.name})"):
            env = {key: v for key, v in os.environ.items() if key not in FOREIGN_PROJECT}
            code, said = run([program, *words], self.root, env)
        if code != 0:
            last = "\n".join(said.strip().splitlines()[-SHOWN_LINES:])
            raise FastoffloadError(
                f"`{shown}` failed, so nothing was added; mend what it says:\n{last}"
            )
        return []

    def _options(self) -> list[str]:
        """Without a lock there is none to renew, and without an environment none to install to."""
        if self.name != "uv":
            return []
        if not (self._workspace / "uv.lock").exists():
            return ["--frozen"]
        return [] if (self._workspace / ".venv").exists() else ["--no-sync"]

    @property
    def _workspace(self) -> Path:
        return workspace_around(self.root) or self.root

    def _list(self, group: str, requirements: Sequence[str]) -> list[str]:
        """Adds lines to a list for pip; installing is left to the user."""
        for name in FOR_PIP[group]:
            file = self.root / name
            if file.exists():
                text = file.read_text(encoding="utf-8")
                end = "" if text.endswith("\n") or not text else "\n"
                lines = "".join(f"{one}\n" for one in requirements)
                file.write_text(f"{text}{end}{lines}", encoding="utf-8")
                return [f"pip install -r {name}"]
        return [shlex.join(["pip", "install", *requirements])]

    def _names(self) -> set[str]:
        tables = _pyproject(self.root)
        project = tables.get("project", {})
        poetry = tables.get("tool", {}).get("poetry", {})
        lists = [project.get("dependencies", []), *tables.get("dependency-groups", {}).values()]
        lists += [poetry.get("dependencies", {}), poetry.get("dev-dependencies", {})]
        lists += [group.get("dependencies", {}) for group in poetry.get("group", {}).values()]
        for names in FOR_PIP.values():
            files = (self.root / name for name in names)
            lists += [file.read_text().splitlines() for file in files if file.exists()]
        return {name_of(one) for entries in lists for one in entries if isinstance(one, str)}


def _pyproject(root: Path) -> dict[str, Any]:
    try:
        return tomllib.loads((root / PYPROJECT).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise FastoffloadError(f"{root / PYPROJECT} cannot be read: {error}; mend it") from error

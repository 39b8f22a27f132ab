"""The package managers that a project may have, and how each takes a requirement in or out."""

import os
import re
import shlex
import shutil
import tomllib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fastoffload.errors import FastoffloadError
from fastoffload.system.processes import run
from fastoffload.system.uv import run_uv
from fastoffload.system.uv_workspace import workspace_around

NAME = re.compile(r"\s*([A-Za-z0-9._-]+)\s*(?:\[([^\]]*)\])?")
SHOWN_LINES = 12
# The folder is a copy, for which Poetry would make an environment that nobody needs.
WITHOUT_ENVIRONMENT = {"POETRY_VIRTUALENVS_CREATE": "false"}
LISTS = ("requirements.txt", "requirements/base.txt", "requirements/prod.txt")
DEV_LISTS = ("requirements-dev.txt", "dev-requirements.txt", "requirements/dev.txt")
IN_A_COPY = {"--frozen", "--lock", "--no-sync"}  # what nobody types who wants it installed


@dataclass(frozen=True, slots=True)
class Manager:
    """One of them: what adding and removing are there, and which lock file it keeps."""

    name: str
    program: str  # which adds and removes
    add: tuple[str, ...]
    add_dev: tuple[str, ...]  # to what only developers need
    remove: tuple[str, ...]
    lock: tuple[str, ...]
    lock_file: str | None
    install: str

    def command(self, verb: Sequence[str], *more: str) -> str:
        """As it is typed."""
        words = [word for word in verb if word not in IN_A_COPY]
        return shlex.join([self.program, *words, *more])

    @property
    def is_here(self) -> bool:
        """Whether it can be run; uv comes along."""
        return self.program == "uv" or shutil.which(self.program) is not None

    def run(self, folder: Path, verb: Sequence[str], *more: str) -> None:
        """Runs it; raises FastoffloadError with what it said."""
        if self.program == "uv":
            code, said = run_uv(folder, *verb, *more)
        else:
            code, said = run([self.program, *verb, *more], folder, os.environ | WITHOUT_ENVIRONMENT)
        if code:
            lines = [line.strip() for line in said.partition("\nhint:")[0].strip().splitlines()]
            shown = " ".join(filter(None, lines[-SHOWN_LINES:]))
            raise FastoffloadError(
                f"`{self.command(verb, *more)}` failed, and nothing was changed: {shown}"
            )


UV = Manager(
    "uv",
    "uv",
    add=("add", "--no-sync"),
    add_dev=("add", "--dev", "--no-sync"),
    remove=("remove", "--no-sync"),
    lock=("lock",),
    lock_file="uv.lock",
    install="uv sync",
)
# Of a project that has no lock file of uv's, it edits pyproject.toml and nothing else.
UV_FROZEN = Manager(
    "uv",
    "uv",
    add=("add", "--frozen"),
    add_dev=("add", "--dev", "--frozen"),
    remove=("remove", "--frozen"),
    lock=(),
    lock_file=None,
    install="uv sync",
)
# It has no command that adds to pyproject.toml, and brings an environment up to date when used.
HATCH = replace(UV_FROZEN, name="hatch", install="hatch run true")
POETRY = Manager(
    "poetry",
    "poetry",
    add=("add", "--lock"),
    add_dev=("add", "--group", "dev", "--lock"),
    remove=("remove", "--lock"),
    lock=("lock",),
    lock_file="poetry.lock",
    install="poetry install",
)
PDM = Manager(
    "pdm",
    "pdm",
    add=("add", "--no-sync"),
    add_dev=("add", "--dev", "--no-sync"),
    remove=("remove", "--no-sync"),
    lock=("lock",),
    lock_file="pdm.lock",
    install="pdm sync",
)


def manager_of(root: Path) -> Manager | None:
    """That of the project at the root; None where requirements are a plain list."""
    tables = _tool_tables(root / "pyproject.toml")
    if tables is None:
        return None
    if (root / "poetry.lock").exists() or "poetry" in tables:
        return POETRY
    if (root / "pdm.lock").exists() or "pdm" in tables:
        return PDM
    if (locked_in(root) / "uv.lock").exists():
        return UV
    return HATCH if "envs" in tables.get("hatch", {}) else UV_FROZEN


def locked_in(root: Path) -> Path:
    """The folder of the project's uv.lock: that of the workspace, where it is in one."""
    return workspace_around(root) or root


def list_of(root: Path, names: Sequence[str] = LISTS) -> Path | None:
    """The plain list of requirements of a project without a package manager."""
    return next((root / name for name in names if (root / name).is_file()), None)


def split(requirement: str) -> tuple[str, set[str]]:
    """The normalized name and the extras of a requirement."""
    match = NAME.match(requirement)
    name, extras = (match[1], match[2] or "") if match else (requirement, "")
    return re.sub(r"[-_.]+", "-", name).lower(), {
        one.strip() for one in extras.split(",") if one.strip()
    }


def lacking(wanted: Collection[str], declared: Collection[str]) -> list[str]:
    """Those of the wanted requirements that are not declared, or without an extra they need."""
    there: dict[str, set[str]] = {}
    for one in declared:
        name, extras = split(one)
        there[name] = there.get(name, set()) | extras
    return [
        one
        for one in wanted
        if not (split(one)[0] in there and split(one)[1] <= there[split(one)[0]])
    ]


def requirements_in(text: str) -> list[str]:
    """The requirements of a plain list."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("-")]


def append(text: bytes, requirements: Collection[str]) -> bytes:
    """A plain list with more lines at its end."""
    newline = b"\r\n" if b"\r\n" in text else b"\n"
    joined = text if not text or text.endswith(b"\n") else text + newline
    return joined + b"".join(one.encode() + newline for one in requirements)


def drop(text: bytes, names: Collection[str]) -> bytes:
    """A plain list without the lines of these names."""
    lines = text.splitlines(keepends=True)
    return b"".join(
        line
        for line in lines
        if not (line.strip() and split(line.decode(errors="replace"))[0] in names)
    )


def _tool_tables(pyproject: Path) -> dict[str, Any] | None:
    """What is below [tool]; None where no package manager keeps requirements there."""
    try:
        document = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise FastoffloadError(f"{pyproject} cannot be read: {error}; mend it first") from error
    tables: dict[str, Any] = document.get("tool", {})
    is_listed = "dependencies" not in document.get("project", {}) and list_of(pyproject.parent)
    if not is_listed or tables.keys() & {"pdm", "poetry", "uv"}:
        return tables if "project" in document or "poetry" in tables else None
    return None

"""Package managers as they are installed: what `init` has them do, and what stays as it was."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import FASTOFFLOAD
from uv import find_uv_bin
from workshop import append, commit, contents, git

from fastoffload.requirements import locks
from fastoffload.requirements.managers import HATCH, UV_FROZEN, manager_of
from initializing.conftest import LayOut
from initializing.serving import ended, served
from initializing.shapes import POETRY, PYPROJECT, SHAPES, Shape

IN = (*FASTOFFLOAD, "init", "--strategy", "executor", "--yes")
OUT = (*FASTOFFLOAD, "init", "--undo", "--yes")
MOST_SECONDS = 900
# What Poetry says behind a mirror that serves lists of files, and no page for each version.
NO_PAGE = re.compile(r"^Package \S+ \(\S+\) not found\.$", re.MULTILINE)
PDM = PYPROJECT.format(path=".").replace("[tool.uv]\npackage = false", "[tool.pdm]")
UV = PYPROJECT.format(path=".")


@dataclass(frozen=True)
class Managed:
    """A package manager: its pyproject.toml, how it locks, how that is installed."""

    pyproject: str
    lock: str
    install: str


MANAGED = {
    "uv": Managed(UV, "uv.lock", "uv sync"),
    "poetry": Managed(POETRY, "poetry.lock", "poetry install"),
    "pdm": Managed(PDM, "pdm.lock", "pdm sync"),
}


@pytest.fixture(params=MANAGED)
def name(request: pytest.FixtureRequest) -> str:
    """The name of each that is installed; uv comes along."""
    if request.param != "uv" and shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    return str(request.param)


def shape_of(pyproject: str) -> Shape:
    """An application without a database of its own, with this pyproject.toml."""
    files = SHAPES["raw asyncpg"].files | {"pyproject.toml": pyproject}
    return Shape({name: text for name, text in files.items() if name != "requirements.txt"})


def run(root: Path, *command: str) -> str:
    """What a command prints; package managers may take longer than any command of ours alone."""
    done = subprocess.run(
        command,
        cwd=root,
        env=os.environ | {"POETRY_VIRTUALENVS_CREATE": "false"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=MOST_SECONDS,
        check=False,
    )
    if NO_PAGE.search(done.stderr):
        pytest.skip(f"the package index has no page for each version: {done.stderr.strip()}")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def lock(root: Path, name: str) -> None:
    """Locks it as its developers do."""
    run(root, find_uv_bin() if name == "uv" else name, "lock")
    commit(root, "locked")


def everything(root: Path, managed: Managed) -> dict[str, bytes]:
    """Every file, the lock file too, but not what Python compiles."""
    found = contents(root) | {managed.lock: (root / managed.lock).read_bytes()}
    return {name: text for name, text in found.items() if not name.endswith(".pyc")}


def test_its_lock_file_gets_more_and_loses_nothing(
    lay_out: LayOut, environment: Path, tmp_path: Path, name: str
) -> None:
    managed, shape = MANAGED[name], shape_of(MANAGED[name].pyproject)
    root = lay_out(shape)
    lock(root, name)
    before = everything(root, managed)
    said = run(root, *IN)
    assert f"edit  {managed.lock} (shown by --diff)\n" in said
    assert f"`{managed.install}` installs what the engine needs" in said
    old, new = before[managed.lock], (root / managed.lock).read_bytes()
    assert locks.packages(old).items() < locks.packages(new).items()
    assert "sqlalchemy" in locks.packages(new)
    settings = {"DATABASE_URL": f"sqlite:///{tmp_path}/jobs.db"}
    with served(root, shape, environment, settings) as client:
        answer = client.post("/jobs/blank", json={"steps": 4})
        assert ended(client, answer.headers["Location"])["status"] == "succeeded"
    commit(root, "init")
    run(root, *OUT)
    assert everything(root, managed) == before


def test_undo_brings_back_a_lock_file_of_an_older_uv(lay_out: LayOut) -> None:
    root = lay_out(shape_of(UV))
    lock(root, "uv")
    file = root / "uv.lock"
    file.write_text(re.sub(r"(?m)^revision = \d+$", "revision = 1", file.read_text()))
    commit(root, "older")
    assert "uv.lock (shown by --diff; in a newer format than before, so" in run(root, *IN)
    commit(root, "init")
    run(root, *OUT)
    assert "revision = 1\n" in (root / "uv.lock").read_text()
    assert git(root, "diff", "HEAD~1") == ""


@pytest.mark.parametrize(
    ("version", "by_us", "is_upgraded"),
    [
        ("2", "1.0", True),
        ("2", "2", False),
        ("1.0", "1.0", False),
        ("0.9", "1.0", False),
        ("local", "1.0", True),
    ],
)
def test_what_was_upgraded_since_is_kept(version: str, by_us: str, is_upgraded: bool) -> None:
    before, ours, now = (
        f'[[package]]\nname = "a"\nversion = "{one}"\n'.encode() for one in ("1.0", by_us, version)
    )
    assert locks.is_upgraded(before, ours, now) is is_upgraded
    assert locks.is_upgraded(before, ours, b"")


def test_a_format_and_versions_that_change_are_told() -> None:
    old = b'version = 1\n[[package]]\nname = "A.b"\nversion = "1"\n'
    new = b'version = 1\nrevision = 3\n[[package]]\nname = "a-b"\nversion = "2"\n'
    assert locks.has_new_format(old, new)
    assert not locks.has_new_format(old, old)
    assert locks.raised(old, new) == ["a-b 1 to 2"]
    assert locks.raised(old, old) == []


def test_hatch_is_known_by_its_environments(tmp_path: Path) -> None:
    pyproject = tmp_path / "pyproject.toml"
    pyproject.write_text(PYPROJECT.format(path=".").partition("[tool")[0])
    append(pyproject, '[tool.hatch.build.targets.wheel]\npackages = ["shop"]\n')
    assert manager_of(tmp_path) == UV_FROZEN
    append(pyproject, '[tool.hatch.envs.default]\ndependencies = ["pytest"]\n')
    assert manager_of(tmp_path) == HATCH

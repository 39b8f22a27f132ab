"""Package managers as they are installed: what `init` has them do, and what stays as it was."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import Cli
from uv import find_uv_bin
from workshop import append, commit, contents, git, replace_in

from fastoffload.requirements import locks
from fastoffload.requirements.managers import HATCH, UV_FROZEN, manager_of
from initializing.conftest import LIMIT_SECONDS, LayOut
from initializing.serving import ended, served
from initializing.shapes import POETRY, PYPROJECT, SHAPES, Shape

IN = ("init", "--strategy", "executor", "--yes")
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


def lock(root: Path, name: str) -> None:
    """Locks it as its developers do."""
    program = find_uv_bin() if name == "uv" else name
    done = subprocess.run(
        [program, "lock"],
        cwd=root,
        env=os.environ | {"POETRY_VIRTUALENVS_CREATE": "false"},
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    commit(root, "locked")


def test_its_lock_file_gets_more_and_loses_nothing(
    cli: Cli, lay_out: LayOut, environment: Path, tmp_path: Path, name: str
) -> None:
    managed, shape = MANAGED[name], shape_of(MANAGED[name].pyproject)
    root = lay_out(shape)
    lock(root, name)
    before = contents(root)
    done = cli(*IN, cwd=root)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"edit  {managed.lock} (shown by --diff)\n" in done.stdout
    assert f"`{managed.install}` installs what the engine needs" in done.stdout
    old, new = before[managed.lock], (root / managed.lock).read_bytes()
    assert locks.packages(old).items() < locks.packages(new).items()
    assert "sqlalchemy" in locks.packages(new)
    settings = {"DATABASE_URL": f"sqlite:///{tmp_path}/jobs.db"}
    with served(root, shape, environment, settings) as client:
        answer = client.post("/jobs/blank", json={"steps": 4})
        assert ended(client, answer.headers["Location"])["status"] == "succeeded"
    commit(root, "init")
    undone = cli("init", "--undo", "--yes", cwd=root)
    assert undone.returncode == 0, undone.stderr
    after = {name: text for name, text in contents(root).items() if not name.endswith(".pyc")}
    assert after == before


def test_undo_brings_back_a_lock_file_of_an_older_uv(cli: Cli, lay_out: LayOut) -> None:
    root = lay_out(shape_of(UV))
    lock(root, "uv")
    replace_in(root / "uv.lock", "revision = 3\n", "revision = 1\n")
    commit(root, "older")
    done = cli(*IN, cwd=root)
    assert done.returncode == 0, done.stderr
    assert "uv.lock (shown by --diff; in a newer format than before, so" in done.stdout
    commit(root, "init")
    assert cli("init", "--undo", "--yes", cwd=root).returncode == 0
    assert "revision = 1\n" in (root / "uv.lock").read_text()
    assert git(root, "diff", "HEAD~1") == ""


@pytest.mark.parametrize(
    ("version", "is_upgraded"), [("2", True), ("1.0", False), ("0.9", False), ("local", True)]
)
def test_what_was_upgraded_since_is_kept(version: str, is_upgraded: bool) -> None:
    old, new = (f'[[package]]\nname = "a"\nversion = "{one}"\n' for one in ("1.0", version))
    assert locks.is_upgraded(old.encode(), new.encode()) is is_upgraded
    assert locks.is_upgraded(old.encode(), b"")


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

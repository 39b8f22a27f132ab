"""Every shape: `init`, its own tests as before, a job run through, and out again to the byte."""

import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from conftest import Cli
from workshop import commit, contents, git

from initializing.conftest import LIMIT_SECONDS, LayOut
from initializing.serving import ended, served
from initializing.shapes import SHAPES, Shape

BOTH = ("--strategy", "executor", "--yes")
REQUIREMENTS = {"requirements.txt", "pyproject.toml"}
NO_FILES = (".pyc", ".db")


@pytest.fixture(params=SHAPES, ids=lambda name: name.replace(" ", "-"))
def shape(request: pytest.FixtureRequest) -> Shape:
    """Each of them."""
    return SHAPES[request.param]


def own_tests(root: Path, shape: Shape, python: Path) -> None:
    """Runs the application's own tests, all of them, as its developers do."""
    done = subprocess.run(
        [python, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=root / shape.root,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout, done.stdout


def test_in_and_out_again(cli: Cli, lay_out: LayOut, shape: Shape, environment: Path) -> None:
    root = lay_out(shape)
    before = files(root)
    done = cli("init", *BOTH, *shape.options, cwd=root)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (shape.left if shutil.which("poetry") is None else "") in done.stdout
    check_written(root, shape, before)
    own_tests(root, shape, environment)
    commit(root, "init")
    again = cli("init", *BOTH, *shape.options, cwd=root)
    assert again.returncode == 0, again.stderr
    assert git(root, "status", "--porcelain") == ""
    undone = cli("init", "--undo", "--yes", cwd=root / shape.root)
    assert undone.returncode == 0, undone.stderr
    assert files(root) == before
    assert not list(root.rglob("offload")), "folders are left"


def files(root: Path) -> dict[str, bytes]:
    """All that are the application's, and not what its tests leave."""
    return {name: text for name, text in contents(root).items() if not name.endswith(NO_FILES)}


def check_written(root: Path, shape: Shape, before: dict[str, bytes]) -> None:
    """Nothing but what is promised."""
    text = (root / shape.main).read_text()
    there = before[shape.main].decode().splitlines()
    added = [line for line in text.splitlines() if line not in there]
    assert [line for line in added if line] == [*shape.head.splitlines(), shape.line]
    changed = {name for name in before if (root / name).read_bytes() != before[name]}
    assert {Path(name).name for name in changed - {shape.main}} <= REQUIREMENTS
    base = "" if shape.root == "." else f"{shape.root}/"
    package = f"{base}{shape.package}/" if shape.package else base
    new = files(root).keys() - before.keys()
    ours = (f"{package}offload/", f"{package}jobs/", f"{base}tests/offload/", f"{base}tests/jobs/")
    assert {name for name in new if not name.startswith(ours)} == {
        f"{base}.copier-answers.yml",
        f"{base}.offload-init.patch",
    }


def test_a_job_runs_through(
    cli: Cli, lay_out: LayOut, shape: Shape, environment: Path, tmp_path: Path
) -> None:
    root = lay_out(shape)
    done = cli("init", *BOTH, *shape.options, "--own-database", cwd=root)
    assert done.returncode == 0, done.stderr
    with served(
        root, shape, environment, {"DATABASE_URL": f"sqlite:///{tmp_path}/jobs.db"}
    ) as client:
        answer = client.post("/jobs/blank", json={"steps": 4})
        assert answer.status_code == 202, answer.text
        job = ended(client, answer.headers["Location"])
        assert (job["status"], job["result"]) == ("succeeded", {"steps": 4})
        assert client.get(shape.path).json() == {"ping": "pong"}


@pytest.mark.parametrize("name", ["a lifespan", "SQLModel in backend", "a factory and an object"])
def test_a_job_runs_through_in_their_own_database(
    cli: Cli, lay_out: LayOut, environment: Path, name: str
) -> None:
    shape = SHAPES[name]
    root = lay_out(shape)
    done = cli("init", *BOTH, cwd=root)
    assert done.returncode == 0, done.stderr
    with served(root, shape, environment, {}) as client:
        answer = client.post("/jobs/blank", json={"steps": 4})
        assert answer.status_code == 202, answer.text
        assert ended(client, answer.headers["Location"])["status"] == "succeeded"
    with closing(sqlite3.connect(root / shape.start / "shop.db")) as database:
        assert database.execute("SELECT status FROM offload_jobs").fetchall() == [("succeeded",)]

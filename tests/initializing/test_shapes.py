"""Every shape: `init`, its own tests as before, a job run through, and out again to the byte."""

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from conftest import Cli
from workshop import commit, contents, git

from initializing.conftest import LIMIT_SECONDS, LayOut
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


@contextmanager
def served(root: Path, shape: Shape, python: Path, folder: Path) -> Iterator[httpx.Client]:
    """The application as it is served, with a database of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--factory"] if shape.factory else []
    target = f"{shape.module}:{shape.served}"
    command = [python, "-m", "uvicorn", *options, target, "--port", str(port)]
    log = folder / "log.txt"
    with log.open("wb") as output:
        server = subprocess.Popen(
            command,
            cwd=root / shape.start,
            env=os.environ | {"DATABASE_URL": f"sqlite:///{folder / 'jobs.db'}"},
            stdout=output,
            stderr=output,
        )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            wait_for(lambda: answers(client, shape.path), server, log)
            yield client
    finally:
        server.terminate()
        server.wait(LIMIT_SECONDS)


def wait_for(look: Callable[[], bool], server: subprocess.Popen[bytes], log: Path) -> None:
    """Returns when it holds; fails when the server ends first, or it takes too long."""
    end = time.monotonic() + LIMIT_SECONDS
    while not look():
        assert server.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.05)


def answers(client: httpx.Client, path: str) -> bool:
    """Whether the application's own route does."""
    try:
        return client.get(path).status_code == 200
    except httpx.TransportError:
        return False


def test_in_and_out_again(cli: Cli, lay_out: LayOut, shape: Shape, environment: Path) -> None:
    root = lay_out(shape)
    before = files(root)
    done = cli("init", *BOTH, *shape.options, cwd=root)
    assert done.returncode == 0, done.stdout + done.stderr
    assert shape.left in done.stdout
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
    with served(root, shape, environment, tmp_path) as client:
        answer = client.post("/jobs/blank", json={"steps": 4})
        assert answer.status_code == 202, answer.text
        ended = {"succeeded", "failed", "cancelled"}
        end = time.monotonic() + LIMIT_SECONDS
        while (job := client.get(answer.headers["Location"]).json())["status"] not in ended:
            assert time.monotonic() < end, job
            time.sleep(0.05)
        assert (job["status"], job["result"]) == ("succeeded", {"steps": 4})
        assert client.get(shape.path).json() == {"ping": "pong"}

"""Projects that are installed: their lock, their tests, and their data live on."""

import json
import tomllib
from pathlib import Path

import pytest
from conftest import names_in
from uv import find_uv_bin
from workshop import (
    CHANGED,
    OLD_NAME,
    OLDEST,
    RENAMED,
    Result,
    Workshop,
    commit,
    edit_as_users_do,
    git,
    replace_in,
)

PROGRAM = """
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from offload.service import Service

FOLDER = Path(os.environ["KEPT"])
URL = f"sqlite:///{FOLDER / 'app.db'}"
OwnSettings = Callable[[], dict[str, str]]


def test_before(own_settings: OwnSettings) -> None:
    with Service(FOLDER, URL, **own_settings()) as service:
        done = service.wait_for(service.submit("artifact"), "succeeded")
        # As many as there are workers, so that the last must wait.
        held = [service.submit("held") for _ in range(2)]
        for job in held:
            service.wait_for(job, "running")
        queued = service.submit()
        assert service.job(queued)["status"] == "queued"
        ids = (job["id"] for job in (done, *held, queued))
        (FOLDER / "ids").write_text(" ".join(ids))


def test_after(own_settings: OwnSettings) -> None:
    shutil.rmtree(FOLDER / "app")  # which is that of the strategy before
    with Service(FOLDER, URL, **own_settings()) as service:
        ids = (FOLDER / "ids").read_text().split()
        done, *others = ({"kind": "fault", "id": each} for each in ids)
        assert service.job(done)["status"] == "succeeded"
        [artifact] = service.job(done)["artifacts"]
        assert service.http.get(artifact["href"]).content == b"kept"
        service.let_go()
        for job in others:
            assert service.wait_for(job)["status"] == "succeeded"
"""
OWN_TEST = """
from pathlib import Path


def test_own() -> None:
    assert Path("app/offload/discovery.py").exists() is {}
"""
START = "tests/offload/faults/test_faults.py"  # which start the service
# In one process: each that is new in an environment compiles all that it imports.
PYTEST = ("pytest", "-q", "-n0")
TESTS = (*PYTEST, "tests/jobs", START)


def uv_run(workshop: Workshop, project: Path, *command: str, **env: str) -> Result:
    """Runs a program of the project's."""
    foreign = {"PYTHONPATH": "", "VIRTUAL_ENV": "", "UV_PROJECT_ENVIRONMENT": ".venv"}
    done = workshop.call(find_uv_bin(), "run", "--locked", *command, cwd=project, env=foreign | env)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def lock_and_commit(workshop: Workshop, project: Path) -> None:
    """What a user does who has added a dependency."""
    done = workshop.call(find_uv_bin(), "lock", "--quiet", cwd=project)
    assert done.returncode == 0, done.stderr
    commit(project)


def passes(workshop: Workshop, project: Path) -> None:
    """Lint, types, and those of its own tests that take seconds, the start of all included."""
    for command in (("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy",), TESTS):
        uv_run(workshop, project, *command)


def locked(project: Path) -> set[str]:
    """The names of the packages in the lock file."""
    lock = tomllib.loads((project / "uv.lock").read_text())
    return {package["name"] for package in lock["package"]}


def test_an_updated_project_passes_its_tests(workshop: Workshop, tmp_path: Path) -> None:
    project = tmp_path / "demo"
    workshop.ok("new", str(project), "--strategy", "executor", "--release", OLDEST)
    edit_as_users_do(project, renamed=OLD_NAME)
    lock_and_commit(workshop, project)
    document = json.loads(workshop.ok("update", "--json", cwd=project))
    assert document["warnings"] == []
    assert "uv.lock" in document["changes"]["updated"]
    assert "uv.lock" in git(project, "diff", "--cached", "--name-only")
    passes(workshop, project)


def test_a_switched_service_goes_on(workshop: Workshop, tmp_path: Path) -> None:
    project, kept = tmp_path / "demo", tmp_path / "kept"
    kept.mkdir()
    workshop.ok("new", str(project), "--strategy", "celery")
    edit_as_users_do(project)
    living = project / "tests" / "offload" / "test_living.py"
    living.write_text(PROGRAM.lstrip())
    lock_and_commit(workshop, project)
    uv_run(workshop, project, *PYTEST, str(living), "-k", "before", KEPT=str(kept))
    assert {"celery", "idna"} <= locked(project)
    workshop.ok("switch", "executor", cwd=project)
    assert "idna" in locked(project)
    assert "celery" not in locked(project)
    uv_run(workshop, project, *PYTEST, str(living), "-k", "after", KEPT=str(kept))
    living.unlink()
    # That it is what a fresh project of the strategy is, with the edits, other tests show.
    uv_run(workshop, project, *PYTEST, START)


@pytest.mark.parametrize("passing", [True, False])
def test_its_tests_run_first(workshop: Workshop, tmp_path: Path, passing: bool) -> None:
    project = tmp_path / "demo"
    workshop.ok("new", str(project), "--strategy", "background", "--release", OLDEST)
    git(project, "rm", "-r", "--quiet", "tests")
    (project / "tests").mkdir()
    (project / "tests" / "test_own.py").write_text(OWN_TEST.format(passing))
    commit(project)
    done = workshop.run("update", "--test", cwd=project)
    if passing:
        assert done.returncode == 0, done.stderr
        assert (project / RENAMED).exists()
    else:
        assert done.returncode == 1
        assert "1 failed" in done.stderr
        assert "the project's tests fail after the update to 0.1.0; nothing" in done.stderr
        assert git(project, "status", "--porcelain") == ""


def test_no_test_can_run_before_conflicts(workshop: Workshop, tmp_path: Path) -> None:
    project = workshop.new(tmp_path / "demo", "--strategy", "background", release=OLDEST)
    replace_in(project / CHANGED, "An older first line.", "Mine.")
    commit(project)
    done = workshop.run("update", "--test", cwd=project)
    assert done.returncode == 1
    assert f"{CHANGED}; nothing was changed, leave out --test" in done.stderr
    assert git(project, "status", "--porcelain") == ""


def test_a_lock_that_cannot_be_made_is_left_for_later(workshop: Workshop, tmp_path: Path) -> None:
    project = tmp_path / "demo"
    workshop.ok("new", str(project), "--strategy", "background", "--release", OLDEST)
    before = (project / "uv.lock").read_bytes()
    away = {"UV_OFFLINE": "1", "UV_CACHE_DIR": str(tmp_path / "empty")}
    done = workshop.run("switch", "celery", "--json", cwd=project, env=away)
    assert done.returncode == 0, done.stderr
    (warning,) = json.loads(done.stdout)["warnings"]
    assert "run `uv lock` when what it says is mended" in warning
    assert (project / "uv.lock").read_bytes() == before
    assert "celery" in (project / "pyproject.toml").read_text()
    assert names_in(project / ".git" / "fastoffload") == ["lock"]

"""`fastoffload status`: what a project is, and its drift."""

import json
from pathlib import Path

import pytest
from conftest import VARIANTS
from workshop import (
    MIDDLE,
    NEWEST,
    OLDEST,
    Workshop,
    append,
    commit,
    edit_as_users_do,
    git,
    replace_in,
)


@pytest.mark.parametrize("release", [OLDEST, NEWEST])
def test_a_fresh_project_has_no_drift(workshop: Workshop, tmp_path: Path, release: str) -> None:
    project = workshop.new(tmp_path / "demo", *VARIANTS["celery-rabbitmq"], release=release)
    document = json.loads(workshop.ok("status", "--json", "--check", cwd=project))
    assert document == {
        "path": str(project),
        "name": "demo",
        "strategy": "celery",
        "pool": None,
        "broker": "rabbitmq",
        "release": release,
        "newest": NEWEST,
        "behind": [MIDDLE, NEWEST] if release == OLDEST else [],
        "unfinished": None,
        "edited": [],
        "missing": [],
        "extra": [],
        "marked": [],
        "faults": [],
    }
    assert git(project, "status", "--porcelain", "--ignored") == ""


@pytest.mark.parametrize("with_git", [True, False])
def test_drift_is_listed(workshop: Workshop, tmp_path: Path, with_git: bool) -> None:
    bare = () if with_git else ("--no-git",)
    project = workshop.new(tmp_path / "demo", *VARIANTS["background"], *bare)
    edit_as_users_do(project)
    (project / ".venv").mkdir()
    (project / ".venv" / "ignored").touch()
    (project / "uv.lock").write_text("not of the template\n")
    document = json.loads(workshop.ok("status", "--json", "--check", cwd=project))
    edited = ["README.md", "app/compute.py", "app/main.py", "app/pdf.py", "app/settings.py"]
    assert document["edited"] == [*edited, "pyproject.toml"]
    assert document["missing"] == [".github/workflows/ci.yml"]
    assert document["extra"] == ["app/api/hello.py"]
    said = workshop.ok("status", cwd=project)
    for word in (
        "demo: background",
        "the newest",
        "edited",
        "missing",
        "extra",
        "app/api/hello.py",
    ):
        assert word in said


def test_check_refuses_what_the_service_needs(workshop: Workshop, tmp_path: Path) -> None:
    project = workshop.new(tmp_path / "demo", *VARIANTS["background"])
    (project / "app" / "jobs.py").unlink()
    append(project / "README.md", "<<<<<<< yours\nx\n=======\ny\n>>>>>>> theirs\n")
    assert workshop.run("status", cwd=project).returncode == 0
    checked = workshop.run("status", "--check", "--json", cwd=project)
    assert checked.returncode == 1
    assert json.loads(checked.stdout)["faults"] == [
        "app/jobs.py is missing",
        "README.md holds conflict markers",
    ]
    assert "app/jobs.py is missing" in workshop.run("status", "--check", cwd=project).stderr


def test_it_tells_of_conflicts(workshop: Workshop, tmp_path: Path) -> None:
    project = workshop.new(tmp_path / "demo", *VARIANTS["background"], release=OLDEST)
    replace_in(project / "app" / "main.py", "An older first line.", "Mine.")
    commit(project)
    assert workshop.run("update", cwd=project).returncode == 3
    checked = workshop.run("status", "--check", "--json", cwd=project)
    assert checked.returncode == 1
    document = json.loads(checked.stdout)
    assert document["unfinished"].startswith("the update to 0.1.0 left conflicts")
    assert document["marked"] == ["app/main.py"]
    assert document["release"] == NEWEST


def test_a_project_that_is_none(workshop: Workshop, tmp_path: Path) -> None:
    refused = workshop.run("status", cwd=tmp_path)
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 1
    assert ".copier-answers.yml is missing" in refused.stderr

"""`fastoffload status`: what a project is, and its drift."""

import fcntl
import json
import os
import shutil
from pathlib import Path

import pytest
from conftest import VARIANTS
from workshop import (
    CHANGED,
    MIDDLE,
    NEWEST,
    OLDEST,
    RENAMED,
    Workshop,
    append,
    commit,
    edit_as_users_do,
    git,
    replace_in,
)

from fastoffload.ownership import USERS


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
        "yours": list(USERS),
        "unfinished": None,
        "edited": [],
        "missing": [],
        "needed": [],
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
    assert document["edited"] == ["README.md", RENAMED, "app/security.py", "pyproject.toml"]
    assert document["missing"] == [".github/workflows/ci.yml"]
    assert document["extra"] == ["app/hello.py"]
    said = workshop.ok("status", cwd=project)
    for word in (
        "demo: background",
        "the newest",
        "edited",
        "missing",
        "extra",
        "app/hello.py",
    ):
        assert word in said


def test_names_that_are_no_text(workshop: Workshop, tmp_path: Path) -> None:
    project = workshop.new(tmp_path / "demo", *VARIANTS["background"])
    marked = "<<<<<<< yours\n>>>>>>> theirs\n"
    for name in (os.fsdecode(b"caf\xe9"), "two\nlines"):
        (project / name).write_text(marked)
    done = workshop.run("status", cwd=project, env={"PYTHONIOENCODING": "utf-8:strict"})
    assert done.returncode == 0, done.stderr
    assert r"caf\udce9" in done.stdout
    assert r"two\nlines" in done.stdout
    assert r"two\nlines holds conflict markers" in done.stderr
    document = json.loads(workshop.ok("status", "--json", cwd=project))
    assert sorted(document["extra"]) == sorted(document["marked"]) == ["caf\udce9", "two\nlines"]


def test_a_repository_without_a_commit_inside(workshop: Workshop, tmp_path: Path) -> None:
    project = workshop.new(tmp_path / "demo", *VARIANTS["background"])
    git(project, "init", "--quiet", "sub")
    refused = workshop.run("status", cwd=project)
    assert refused.returncode == 1
    (line,) = refused.stderr.splitlines()
    assert "'sub/' does not have a commit checked out" in line
    assert "mend what it names, or add it to .gitignore" in line
    append(project / ".gitignore", "sub/\n")
    assert ".gitignore" in workshop.ok("status", cwd=project)


def test_check_refuses_what_the_service_needs(workshop: Workshop, tmp_path: Path) -> None:
    project = workshop.new(tmp_path / "demo", *VARIANTS["background"])
    (project / CHANGED).unlink()
    append(project / "README.md", "<<<<<<< yours\nx\n=======\ny\n>>>>>>> theirs\n")
    assert workshop.run("status", cwd=project).returncode == 0
    checked = workshop.run("status", "--check", "--json", cwd=project)
    assert checked.returncode == 1
    assert json.loads(checked.stdout)["faults"] == [
        f"{CHANGED} is missing, and the project still uses it",
        "README.md holds conflict markers",
    ]
    assert f"{CHANGED} is missing" in workshop.run("status", "--check", cwd=project).stderr


def test_a_page_that_is_deleted_whole_is_no_fault(workshop: Workshop, tmp_path: Path) -> None:
    project = workshop.new(tmp_path / "demo", *VARIANTS["celery-redis"])
    main, web = project / "app" / "main.py", project / "app" / "web"
    deleted = [path.relative_to(project).as_posix() for path in web.rglob("*") if path.is_file()]
    shutil.rmtree(web)
    checked = workshop.run("status", "--check", "--json", cwd=project)
    assert checked.returncode == 1
    assert {"app/web/__init__.py", "app/web/routes.py"} <= {*json.loads(checked.stdout)["needed"]}
    main.write_text("\n".join(one for one in main.read_text().splitlines() if "web" not in one))
    shutil.rmtree(project / "app" / "jobs" / "report")  # whose page is part of it
    document = json.loads(workshop.ok("status", "--check", "--json", cwd=project))
    assert (document["needed"], document["faults"]) == ([], [])
    assert document["missing"] == sorted(deleted)


def test_what_starts_the_service_and_what_it_imports_are_needed(
    workshop: Workshop, tmp_path: Path
) -> None:
    project = workshop.new(tmp_path / "demo", *VARIANTS["celery-redis"])
    needed = ["app/offload/worker.py", "app/security.py", "app/web/static/card.js"]
    for name in (*needed, "README.md", "tests/offload/conftest.py"):
        (project / name).unlink()
    document = json.loads(workshop.run("status", "--json", cwd=project).stdout)
    assert document["needed"] == needed


def test_it_tells_of_conflicts(workshop: Workshop, tmp_path: Path) -> None:
    project = workshop.new(tmp_path / "demo", *VARIANTS["background"], release=OLDEST)
    replace_in(project / CHANGED, "An older first line.", "Mine.")
    commit(project)
    assert workshop.run("update", cwd=project).returncode == 3
    checked = workshop.run("status", "--check", "--json", cwd=project)
    assert checked.returncode == 1
    document = json.loads(checked.stdout)
    assert document["unfinished"].startswith("the update to 0.1.0 left conflicts")
    assert document["marked"] == [CHANGED]
    assert document["release"] == NEWEST


def test_a_read_only_checkout(
    workshop: Workshop, tmp_path: Path, without_privileges: list[str]
) -> None:
    project = workshop.new(tmp_path / "demo", *VARIANTS["background"])
    writable = [path for path in (project, *project.rglob("*")) if path.is_dir()]
    for folder in writable:
        folder.chmod(0o555)
    checked = workshop.run("status", "--check", cwd=project, prefix=without_privileges)
    for folder in writable:
        folder.chmod(0o755)
    assert checked.returncode == 0, checked.stderr
    workshop.ok("status", "--check", cwd=project)
    assert not (project / ".git" / "fastoffload").exists()


def test_a_run_under_way_is_no_fault(workshop: Workshop, tmp_path: Path) -> None:
    project = workshop.new(tmp_path / "demo", *VARIANTS["background"], release=OLDEST)
    replace_in(project / CHANGED, "An older first line.", "Mine.")
    commit(project)
    assert workshop.run("update", cwd=project).returncode == 3
    git(project, "reset", "--quiet", "--hard")
    with (project / ".git" / "fastoffload" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        workshop.ok("status", "--check", cwd=project)
    assert workshop.run("status", "--check", cwd=project).returncode == 1


@pytest.mark.parametrize("note", ["{}", "[]", "null", "{"])
def test_a_note_that_makes_no_sense(workshop: Workshop, tmp_path: Path, note: str) -> None:
    project = workshop.new(tmp_path / "demo", *VARIANTS["background"])
    file = project / ".git" / "fastoffload" / "update.json"
    file.parent.mkdir()
    file.write_text(note)
    checked = workshop.run("status", "--check", cwd=project)
    assert checked.returncode == 1
    (line,) = checked.stderr.splitlines()
    assert f"{file} makes no sense; remove it" in line


def test_a_project_that_is_none(workshop: Workshop, tmp_path: Path) -> None:
    refused = workshop.run("status", cwd=tmp_path)
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 1
    assert ".copier-answers.yml is missing" in refused.stderr

"""Whose a file is: the user's is touched by no update and is no drift; an old layout is refused."""

import json
import shutil
from pathlib import Path

import pytest
from conftest import VARIANTS, Cli, Rendered
from workshop import CHANGED, Workshop, append, commit, contents, git

from fastoffload.ownership import USERS, is_users

OLD_LAYOUT = "0.1.0"  # the release of this checkout that has no app/offload
SAMPLE = ("app/jobs/report", "tests/jobs")
# What the next release changes of the user's, adds to it and takes out of it.
THEIR_FILES = ("app/main.py", "app/settings.py", "app/jobs/__init__.py", "migrations/env.py")
THEIR_TEST, MORE, LESS = "tests/jobs/test_page.py", "app/jobs/more.py", "tests/jobs/conftest.py"


@pytest.fixture
def project(workshop: Workshop, tmp_path: Path) -> Path:
    """A project of the newest release."""
    return workshop.new(tmp_path / "demo", *VARIANTS["celery-redis"])


@pytest.mark.parametrize(
    ("path", "theirs"),
    [
        ("app/jobs/clip/work.py", True),
        ("app/main.py", True),
        ("app/main.py.orig", False),
        ("app/jobs.py", False),
        ("app/offload/jobs/x.py", False),
        ("app/web/routes.py", False),
        ("migrations/versions/0001_report.py", True),
        ("tests/jobs/test_clip.py", True),
        ("tests/offload/service.py", False),
        ("README.md", False),
    ],
)
def test_whose_it_is(path: str, theirs: bool) -> None:
    assert is_users(path) is theirs


def test_what_is_named_is_there(rendered: Rendered) -> None:
    for name in USERS:
        assert (rendered("background") / name).exists(), name


def test_no_update_touches_what_is_theirs(
    workshop: Workshop, project: Path, tmp_path: Path
) -> None:
    next_one = Workshop(tmp_path / "next", workshop)
    for name in (*THEIR_FILES, THEIR_TEST):
        append(next_one.template(name), "\n# Another first version.\n")
    next_one.template(MORE).write_text("# One more.\n")
    next_one.template(LESS).unlink()
    append(next_one.template(CHANGED), "\n# The engine's own.\n")
    assert next_one.record("0.1.1").returncode == 0
    append(project / THEIR_FILES[0], "\n# Mine.\n")
    (project / THEIR_FILES[1]).unlink()
    commit(project)
    before = contents(project)
    changes = json.loads(next_one.ok("update", "--json", cwd=project))["changes"]
    after = contents(project)
    touched = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert touched == {".copier-answers.yml", CHANGED}
    assert changes == {
        "updated": [".copier-answers.yml", CHANGED],
        **{key: [] for key in ("added", "removed", "kept", "conflict")},
    }


def test_a_sample_that_is_deleted_is_no_drift(workshop: Workshop, project: Path) -> None:
    for name in SAMPLE:
        shutil.rmtree(project / name)
    append(project / "app" / "main.py", "\n# Mine.\n")
    (project / "app" / "jobs" / "clip").mkdir()
    (project / "app" / "jobs" / "clip" / "kind.py").write_text("# Mine.\n")
    (project / "migrations" / "versions" / "0002_clips.py").write_text("# Mine.\n")
    found = json.loads(workshop.ok("status", "--check", "--json", cwd=project))
    assert {key: found[key] for key in ("edited", "missing", "needed", "extra", "faults")} == {
        key: [] for key in ("edited", "missing", "needed", "extra", "faults")
    }
    assert found["yours"] == list(USERS)
    assert "yours, and touched by no update: app/database.py" in workshop.ok("status", cwd=project)


def test_a_switch_leaves_it_alone_too(workshop: Workshop, project: Path) -> None:
    for name in SAMPLE:
        shutil.rmtree(project / name)
    append(project / "app" / "main.py", "\n# Mine.\n")
    commit(project)
    before = contents(project)
    workshop.ok("switch", "executor", cwd=project)
    after = contents(project)
    theirs = {name for name in before.keys() | after.keys() if is_users(name)}
    assert theirs
    assert all(before.get(name) == after.get(name) for name in theirs)
    assert not (project / "app" / "offload" / "worker.py").exists()


@pytest.fixture
def old(cli: Cli, tmp_path: Path) -> Path:
    """A project of the layout before the engine."""
    made = cli("new", "demo", *VARIANTS["background"], "--release", OLD_LAYOUT, "--no-install")
    assert made.returncode == 0, made.stderr
    assert not (tmp_path / "demo" / "app" / "offload").exists()
    return tmp_path / "demo"


def test_no_update_leads_to_another_layout(cli: Cli, old: Path) -> None:
    before = contents(old)
    for options in ((), ("--diff",), ("--test",)):
        refused = cli("update", *options, cwd=old)
        assert (refused.returncode, refused.stdout) == (1, ""), options
        (line,) = refused.stderr.splitlines()
        assert line.startswith("Error: ")
        assert f"to which no update leads from {OLD_LAYOUT}" in line
        assert "generate a new project beside this one" in line
        assert "app/jobs/" in line
    assert contents(old) == before
    assert git(old, "status", "--porcelain", "--ignored") == ""
    assert not (old / ".git" / "fastoffload" / "update.json").exists()


def test_within_the_old_layout_a_project_is_what_it_was(cli: Cli, old: Path) -> None:
    append(old / "app" / "main.py", "\n# Mine.\n")
    found = json.loads(cli("status", "--check", "--json", cwd=old).stdout)
    assert (found["edited"], found["yours"]) == (["app/main.py"], [])
    commit(old)
    switched = cli("switch", "executor", cwd=old)
    assert switched.returncode == 0, switched.stderr
    assert (old / "app" / "pool.py").exists()

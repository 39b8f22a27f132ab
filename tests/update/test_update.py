"""`fastoffload update`: the templates' changes come in, and what the user made stays."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from conftest import VARIANTS
from workshop import (
    ADDED,
    CHANGED,
    COMMENTED,
    DROPPED,
    MIDDLE,
    NEWEST,
    OLD_NAME,
    OLDEST,
    RENAMED,
    Workshop,
    append,
    commit,
    contents,
    edit_as_users_do,
    git,
    replace_in,
)

STRICT = {"PYTHONIOENCODING": "utf-8:strict"}
EXECUTOR = ("--strategy", "executor")


@pytest.fixture
def project(workshop: Workshop, tmp_path: Path) -> Path:
    """A project of the oldest release."""
    return workshop.new(tmp_path / "demo", *EXECUTOR, release=OLDEST)


def conflicting(project: Path) -> None:
    """The user changes the line that the templates change."""
    replace_in(project / CHANGED, "An older first line.", "My own first line.")
    commit(project)


def edited(project: Path) -> dict[str, bytes]:
    """What a fresh project becomes in the hands of the same user."""
    edit_as_users_do(project)
    return contents(project)


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
def test_edits_are_kept(workshop: Workshop, tmp_path: Path, variant: tuple[str, ...]) -> None:
    project = workshop.new(tmp_path / "demo", *variant, release=OLDEST)
    edit_as_users_do(project, renamed=OLD_NAME)
    commit(project)
    workshop.ok("update", cwd=project)
    fresh = workshop.new(tmp_path / "fresh" / "demo", *variant)
    assert contents(project) == edited(fresh)


def test_edits_are_kept_step_by_step(workshop: Workshop, project: Path, tmp_path: Path) -> None:
    edit_as_users_do(project, renamed=OLD_NAME)
    commit(project)
    for version in (MIDDLE, NEWEST):
        workshop.ok("update", "--to", version, cwd=project)
        commit(project)
    fresh = workshop.new(tmp_path / "fresh" / "demo", *EXECUTOR)
    assert contents(project) == edited(fresh)
    assert workshop.run("update", "--check", cwd=project).returncode == 0


def test_the_result_is_staged_and_told(workshop: Workshop, project: Path) -> None:
    edit_as_users_do(project, renamed=OLD_NAME)
    commit(project)
    document = json.loads(workshop.ok("update", "--json", cwd=project))
    changes = document["changes"]
    assert CHANGED in changes["updated"]
    assert {RENAMED, ADDED} <= set(changes["added"])
    assert {OLD_NAME, DROPPED} <= set(changes["removed"])
    assert {".github/workflows/ci.yml", "app/security.py", "README.md"} <= set(changes["kept"])
    assert changes["conflict"] == []
    assert list(document["notes"]) == [MIDDLE, NEWEST]
    staged = git(project, "diff", "--cached", "--name-only", "--no-renames").splitlines()
    assert staged == sorted(
        path for kind in ("updated", "added", "removed") for path in changes[kind]
    )
    assert git(project, "diff", "--name-only") == ""
    assert (
        git(project, "status", "--porcelain", "--ignored", "--untracked-files=all").count("??") == 0
    )


def test_the_summary_and_the_notes(workshop: Workshop, project: Path) -> None:
    append(project / "README.md", "mine\n")
    commit(project)
    said = workshop.ok("update", cwd=project)
    for word in (
        "updated",
        "added",
        "removed",
        "kept as yours",
        CHANGED,
        "git diff --staged",
    ):
        assert word in said
    assert f"What is new in {MIDDLE}." in said
    assert f"What is new in {OLDEST}." not in said


def test_check_lists_the_releases_between(workshop: Workshop, project: Path) -> None:
    before = contents(project)
    append(project / "README.md", "a dirty tree does not matter\n")
    behind = workshop.run("update", "--check", cwd=project)
    assert behind.returncode == 1
    assert behind.stderr == ""
    assert f"What is new in {NEWEST}." in behind.stdout
    document = json.loads(workshop.run("update", "--check", "--json", cwd=project).stdout)
    assert document["between"] == [MIDDLE, NEWEST]
    assert (document["release"], document["newest"]) == (OLDEST, NEWEST)
    assert contents(project).keys() == before.keys()


def test_diff_writes_nothing(workshop: Workshop, project: Path) -> None:
    objects = git(project, "count-objects", "-v")
    plain = workshop.run("update", "--diff", cwd=project)
    assert plain.returncode == 0
    assert '\n-"""An older first line."""\n' in plain.stdout
    assert "\x1b[" not in plain.stdout
    red = workshop.run("update", "--diff", cwd=project, env={"FORCE_COLOR": "1", "TERM": "xterm"})
    assert '\n\x1b[31m-"""An older first line."""\x1b[m\n' in red.stdout
    assert git(project, "status", "--porcelain", "--ignored") == ""
    assert git(project, "count-objects", "-v") == objects


def test_a_diff_and_a_folder_that_are_no_text(
    workshop: Workshop, project: Path, tmp_path: Path
) -> None:
    latin = os.fsdecode(b"caf\xe9")
    main = project / CHANGED
    main.write_bytes(main.read_bytes().replace(b"line.", b"line of a caf\xe9."))
    commit(project)
    (tmp_path / latin).mkdir()
    moved = project.rename(tmp_path / latin / "demo")
    command = [*workshop.command, "update", "--diff"]
    env = workshop.environment | STRICT
    shown = subprocess.run(command, cwd=moved, env=env, capture_output=True, check=False)
    assert shown.returncode == 3, shown.stderr  # the line is the release's as well
    assert f"this would leave conflicts in {CHANGED}".encode() in shown.stderr
    assert b"line of a caf\xe9." in shown.stdout
    assert workshop.run("update", cwd=moved).returncode == 3
    workshop.ok("update", "--abort", cwd=moved)
    assert git(moved, "status", "--porcelain") == ""


def test_a_project_whose_folder_is_no_text(workshop: Workshop, project: Path) -> None:
    moved = project.rename(project.with_name(os.fsdecode(b"caf\xe9")))
    behind = workshop.run("update", "--check", cwd=moved, env=STRICT)
    assert r"caf\udce9 has release 0.0.1; newer:" in behind.stdout, behind.stderr
    workshop.ok("update", cwd=moved)
    commit(moved)
    newest = workshop.run("update", cwd=moved, env=STRICT)
    assert r"caf\udce9 has release 0.1.0 already." in newest.stdout, newest.stderr


def test_nothing_to_do(workshop: Workshop, tmp_path: Path) -> None:
    project = workshop.new(tmp_path / "demo", *EXECUTOR)
    assert "has release 0.1.0 already" in workshop.ok("update", cwd=project)
    assert "has the newest release" in workshop.ok("update", "--check", cwd=project)
    assert workshop.ok("update", "--diff", cwd=project) == ""
    assert git(project, "status", "--porcelain") == ""


def test_a_conflict_is_an_ordinary_one(workshop: Workshop, project: Path) -> None:
    conflicting(project)
    before = contents(project)
    left = workshop.run("update", cwd=project)
    assert left.returncode == 3, left.stderr
    assert "in conflict" in left.stdout
    assert "--continue" in left.stdout
    main = project / CHANGED
    text = main.read_text()
    assert text.startswith('<<<<<<< yours\n"""My own first line."""\n=======\n')
    assert f">>>>>>> release-{NEWEST}\n" in text
    assert f"UU {CHANGED}" in git(project, "status", "--porcelain")
    again = workshop.run("update", cwd=project)
    assert again.returncode == 1
    assert "left conflicts; `fastoffload update --continue` finishes it" in again.stderr
    unmerged = workshop.run("update", "--continue", cwd=project)
    assert unmerged.returncode == 1
    assert f"conflicts are left in {CHANGED}" in unmerged.stderr
    git(project, "add", CHANGED)
    marked = workshop.run("update", "--continue", cwd=project)
    assert marked.returncode == 1
    assert f"conflicts are left in {CHANGED}" in marked.stderr
    workshop.ok("update", "--abort", cwd=project)
    assert contents(project) == before
    assert git(project, "status", "--porcelain", "--ignored") == ""


def test_a_diff_with_conflicts_says_so(workshop: Workshop, project: Path) -> None:
    conflicting(project)
    shown = workshop.run("update", "--diff", cwd=project)
    assert shown.returncode == 3
    assert "conflict" in shown.stderr
    assert CHANGED in shown.stderr


def test_continue_when_it_is_resolved(workshop: Workshop, project: Path) -> None:
    conflicting(project)
    workshop.run("update", cwd=project)
    main = project / CHANGED
    theirs = git(project, "show", f":3:{CHANGED}")
    main.write_text(theirs + "\n")
    git(project, "add", CHANGED)
    assert "Finished: the update to 0.1.0" in workshop.ok("update", "--continue", cwd=project)
    commit(project)
    assert workshop.run("update", "--continue", cwd=project).returncode == 1
    assert workshop.run("update", "--check", cwd=project).returncode == 0


def test_who_commits_the_resolution_has_finished(workshop: Workshop, project: Path) -> None:
    conflicting(project)
    workshop.run("update", cwd=project)
    git(project, "checkout", "--ours", CHANGED)
    commit(project)
    done = workshop.run("update", "--abort", cwd=project)
    assert done.returncode == 1
    assert "no update is under way" in done.stderr
    assert workshop.ok("update", cwd=project)


def test_a_file_that_the_templates_drop_and_the_user_edited(
    workshop: Workshop, project: Path
) -> None:
    append(project / DROPPED, "MINE = 1\n")
    commit(project)
    document = json.loads(workshop.run("update", "--json", cwd=project).stdout)
    assert document["changes"]["conflict"] == [DROPPED]
    assert (project / DROPPED).read_text().endswith("MINE = 1\n")
    git(project, "rm", "--quiet", DROPPED)
    workshop.ok("update", "--continue", cwd=project)
    assert git(project, "ls-files", DROPPED) == ""


def test_what_the_user_deleted_stays_deleted(workshop: Workshop, project: Path) -> None:
    for name in (CHANGED, OLD_NAME, DROPPED, COMMENTED):
        (project / name).unlink()
    commit(project)
    workshop.ok("update", cwd=project)
    there = contents(project)
    assert not {CHANGED, OLD_NAME, DROPPED, COMMENTED} & there.keys()


def test_what_the_user_renamed_gets_the_changes(workshop: Workshop, project: Path) -> None:
    git(project, "mv", CHANGED, "app/offload/moved.py")
    commit(project)
    workshop.ok("update", cwd=project)
    assert "An older first line" not in (project / "app" / "offload" / "moved.py").read_text()
    assert not (project / CHANGED).exists()


def test_a_folder_of_a_larger_repository(workshop: Workshop, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    project = workshop.new(tmp_path / "services" / "a-demo", *EXECUTOR, release=OLDEST)
    (tmp_path / "other.txt").write_text("not ours\n")
    edit_as_users_do(project, renamed=OLD_NAME)
    conflicting(project)
    (tmp_path / "other.txt").write_text("changed, and none of our business\n")
    before = contents(project)
    left = workshop.run("update", cwd=project)
    assert left.returncode == 3, left.stderr
    workshop.ok("update", "--abort", cwd=project)
    assert contents(project) == before
    assert git(tmp_path, "status", "--porcelain") == " M other.txt"
    replace_in(project / CHANGED, "My own first line.", "An older first line.")
    commit(project)
    workshop.ok("update", "services/a-demo", cwd=tmp_path)
    fresh = workshop.new(tmp_path / "fresh" / "a-demo", *EXECUTOR)
    assert contents(project) == edited(fresh)


def test_a_worktree_and_a_detached_head(workshop: Workshop, project: Path, tmp_path: Path) -> None:
    git(project, "worktree", "add", "--quiet", "--detach", str(tmp_path / "beside"))
    workshop.ok("update", str(tmp_path / "beside"))
    fresh = workshop.new(tmp_path / "fresh" / "demo", *EXECUTOR)
    assert contents(tmp_path / "beside").keys() - {".git"} == contents(fresh).keys()
    assert git(project, "status", "--porcelain") == ""


def test_a_users_git_settings_do_not_matter(workshop: Workshop, project: Path) -> None:
    for key, value in {
        "commit.gpgSign": "true",
        "core.hooksPath": "/nowhere",
        "diff.noprefix": "true",
        "merge.conflictStyle": "diff3",
        "merge.renames": "false",
        "protocol.allow": "never",
        "status.showUntrackedFiles": "no",
    }.items():
        git(project, "config", key, value)
    workshop.ok("update", cwd=project)
    assert (project / RENAMED).exists()


def test_called_from_a_hook(workshop: Workshop, project: Path, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "hooked")
    env = {"GIT_DIR": str(tmp_path / "hooked" / ".git"), "GIT_INDEX_FILE": "index"}
    done = workshop.run("update", cwd=project, env=env)
    assert done.returncode == 0, done.stderr
    answers = yaml.safe_load((project / ".copier-answers.yml").read_text())
    assert answers["_commit"] == NEWEST


def test_a_new_file_never_overwrites_an_ignored_one(workshop: Workshop, project: Path) -> None:
    append(project / ".gitignore", f"/{ADDED}\n")
    commit(project)
    (project / ADDED).write_text("precious\n")
    refused = workshop.run("update", cwd=project)
    assert refused.returncode == 1
    assert f"{ADDED} is in the way" in refused.stderr
    assert (project / ADDED).read_text() == "precious\n"
    assert git(project, "status", "--porcelain") == ""
    assert not (project / ".git" / "index.lock").exists()
    shutil.move(project / ADDED, project.parent)
    workshop.ok("update", cwd=project)

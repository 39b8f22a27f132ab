"""`fastoffload update`, `switch` and `status` refuse: one line, and nothing is changed."""

from collections.abc import Callable
from pathlib import Path

import pytest
from workshop import NEWEST, OLDEST, Workshop, append, commit, contents, git, git_that, replace_in

EXECUTOR = ("--strategy", "executor")
ANSWERS = ".copier-answers.yml"


def nothing(_project: Path) -> None:
    pass


def dirty(project: Path) -> None:
    append(project / "README.md", "mine\n")


def untracked(project: Path) -> None:
    (project / "notes.txt").write_text("mine\n")


def staged(project: Path) -> None:
    dirty(project)
    git(project, "add", "README.md")


def no_answers(project: Path) -> None:
    (project / ANSWERS).unlink()
    commit(project)


def answers(old: str, new: str) -> Callable[[Path], None]:
    def change(project: Path) -> None:
        replace_in(project / ANSWERS, old, new)
        commit(project)

    return change


def no_repository(project: Path) -> None:
    (project / ".git").rename(project.parent / "was.git")


def answers_unseen(project: Path) -> None:
    git(project, "rm", "--quiet", "--cached", ANSWERS)
    append(project / ".gitignore", f"/{ANSWERS}\n")
    commit(project)


def unborn(project: Path) -> None:
    no_repository(project)
    git(project, "init", "--quiet")


def merging(project: Path) -> None:
    head = git(project, "rev-parse", "HEAD")
    (project / ".git" / "MERGE_HEAD").write_text(f"{head}\n")


def locked(project: Path) -> None:
    (project / ".git" / "index.lock").touch()


REFUSED = {
    "dirty": (dirty, (), ("uncommitted changes (README.md)", "commit or stash")),
    "untracked": (untracked, (), ("uncommitted changes (notes.txt)",)),
    "staged": (staged, (), ("uncommitted changes (README.md)",)),
    "no answers": (no_answers, (), (ANSWERS, "is missing")),
    "answers that are not committed": (
        answers_unseen,
        (),
        (ANSWERS, "is not committed", "git add"),
    ),
    "no yaml": (answers("_commit:", "]"), (), (ANSWERS, "is no YAML")),
    "no strategy": (
        answers("strategy: executor", "strategy: kafka"),
        (),
        ("makes no sense", "'kafka'"),
    ),
    "no pool": (answers("pool: process", "pool: [1]"), (), ("makes no sense", "pool is no text")),
    "another template": (answers("git+fastoffload", "gh:x"), (), ("makes no sense", "_src_path")),
    "no release": (answers("_commit: 0.0.1\n", ""), (), ("makes no sense", "_commit is missing")),
    "no name": (answers("project_name: demo", "project_name: '%'"), (), ("makes no sense", "'%'")),
    "an unknown release": (answers("0.0.1", "0.0.1.1"), (), ("release 0.0.1.1 is not known",)),
    "an unknown target": (nothing, ("--to", "9"), ("release 9 is not known",)),
    "no repository": (no_repository, (), ("is in no git repository",)),
    "no commit": (unborn, (), ("has no commit yet",)),
    "a merge": (merging, (), ("in the middle of something (MERGE_HEAD)",)),
    "another git": (locked, (), ("another git is at work",)),
}


@pytest.mark.parametrize(("change", "options", "words"), REFUSED.values(), ids=REFUSED)
def test_refused(
    workshop: Workshop,
    tmp_path: Path,
    change: Callable[[Path], None],
    options: tuple[str, ...],
    words: tuple[str, ...],
) -> None:
    project = workshop.new(tmp_path / "demo", *EXECUTOR, release=OLDEST)
    change(project)
    before = contents(project)
    refused = workshop.run("update", *options, cwd=project)
    assert refused.returncode == 1, refused.stderr
    assert refused.stdout == ""
    *progress, error = refused.stderr.splitlines()
    assert len(progress) <= 1, progress
    assert error.startswith("Error: ")
    for word in words:
        assert word in error
    assert contents(project) == before
    assert not (project / ".git" / "fastoffload" / "update.json").exists()


def test_a_downgrade(workshop: Workshop, tmp_path: Path) -> None:
    project = workshop.new(tmp_path / "demo", *EXECUTOR)
    refused = workshop.run("update", "--to", OLDEST, cwd=project)
    assert refused.returncode == 1
    assert f"{OLDEST} is older than the project's {NEWEST}" in refused.stderr


def test_without_git(workshop: Workshop, tmp_path: Path) -> None:
    project = workshop.new(tmp_path / "demo", *EXECUTOR, release=OLDEST)
    (tmp_path / "bin").mkdir()
    for command in (("update",), ("switch", "background"), ("status",)):
        refused = workshop.run(*command, cwd=project, env={"PATH": str(tmp_path / "bin")})
        assert refused.returncode == 1
        assert len(refused.stderr.splitlines()) == 1
        assert "git is not on PATH" in refused.stderr


@pytest.mark.parametrize(("found", "refused"), [("2.37.9", True), ("2.38.0", False)])
def test_an_old_git(workshop: Workshop, tmp_path: Path, found: str, refused: bool) -> None:
    project = workshop.new(tmp_path / "demo", *EXECUTOR)
    env = git_that(tmp_path / "bin", "version", f"echo 'git version {found} (Apple Git-9)'; exit")
    done = workshop.run("update", cwd=project, env=env)
    assert done.returncode == int(refused)
    assert ("git 2.37.9 cannot merge" in done.stderr) is refused
    assert ("install git 2.38 or newer" in done.stderr) is refused


UNREADABLE = {
    "somebody else's": ("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1", "dubious ownership"),
    "broken settings": ("GIT_CONFIG_GLOBAL", "{}/broken", "bad config line 1"),
}


@pytest.mark.parametrize(("key", "value", "reason"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_git_cannot_read(
    workshop: Workshop, tmp_path: Path, key: str, value: str, reason: str
) -> None:
    project = workshop.new(tmp_path / "demo", *EXECUTOR, release=OLDEST)
    (tmp_path / "broken").write_text("[\n")
    done = workshop.run("update", cwd=project, env={key: value.format(tmp_path)})
    assert done.returncode == 1, done.stdout
    (error,) = done.stderr.splitlines()
    assert reason in error
    assert "git init" not in error


def test_no_repository_is_made_inside_one_of_somebody_elses(
    workshop: Workshop, tmp_path: Path
) -> None:
    git(tmp_path, "init", "--quiet", "theirs")
    project = tmp_path / "theirs" / "demo"
    env = {"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"}
    done = workshop.run("new", str(project), "-y", "--no-install", env=env)
    assert done.returncode == 1, done.stdout
    error = done.stderr.splitlines()[-1]
    assert f"dubious ownership in repository at '{project.parent}'" in error
    assert "--no-git leaves it out" in error
    assert not project.exists()


def test_a_folder_with_a_newline(workshop: Workshop, tmp_path: Path) -> None:
    project = workshop.new(tmp_path / "demo", *EXECUTOR, release=OLDEST)
    moved = tmp_path / "a\nb" / "demo"
    moved.parent.mkdir()
    project.rename(moved)
    done = workshop.run("update", cwd=moved)
    assert done.returncode == 1
    (error,) = done.stderr.splitlines()
    assert r"a\nb/demo is below a folder with a newline; rename that one" in error
    workshop.ok("status", cwd=moved)


def test_a_folder_without_permission(
    workshop: Workshop, tmp_path: Path, without_privileges: list[str]
) -> None:
    project = workshop.new(tmp_path / "demo", *EXECUTOR, release=OLDEST)
    before = contents(project)
    (project / "app" / "offload").chmod(0o555)
    refused = workshop.run("update", cwd=project, prefix=without_privileges)
    (project / "app" / "offload").chmod(0o755)
    assert refused.returncode == 1, refused.stdout
    assert "Traceback" not in refused.stderr
    assert "Permission denied" in refused.stderr.splitlines()[-1]
    assert contents(project) == before
    assert git(project, "status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("update", "--check", "--abort"), "--check and --abort"),
        (("update", "--continue", "--to", "1"), "--to does not go with --continue"),
        (("update", "--diff", "--json"), "--json does not go with --diff"),
        (("switch",), "STRATEGY"),
        (("switch", "kafka"), "unknown strategy 'kafka'; take one of: background"),
        (("switch", "celery", "--pool", "thread"), "--pool does not go with strategy celery"),
    ],
)
def test_wrong_usage(
    workshop: Workshop, tmp_path: Path, arguments: tuple[str, ...], named: str
) -> None:
    refused = workshop.run(*arguments, cwd=tmp_path)
    assert refused.returncode == 2, refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    assert named in refused.stderr

"""`fastoffload new`, when all goes well."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from conftest import VARIANTS, Cli, names_in
from uv import find_uv_bin
from workshop import CHECKOUT

# Without any program of ours.
PATH = [
    folder
    for folder in os.environ["PATH"].split(os.pathsep)
    if not shutil.which("fastoffload", path=folder)
]
QUICK = ("--defaults", "--no-install", "--no-git")


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True
    ).stdout.strip()


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and ".git/" not in f"{path}/")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
def test_json_tells_what_was_made(cli: Cli, tmp_path: Path, variant: tuple[str, ...]) -> None:
    result = cli("new", "demo", *variant, "--no-install", "--json")
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    given = dict(zip(variant[::2], variant[1::2], strict=True))
    assert document["path"] == str(tmp_path / "demo")
    assert document["name"] == "demo"
    assert document["strategy"] == given["--strategy"]
    assert document["pool"] == given.get("--pool")
    assert document["broker"] == given.get("--broker")
    assert document["files"] == sorted(contents(tmp_path / "demo"))
    assert (document["dry_run"], document["installed"], document["git"]) == (False, False, True)
    assert document["next_steps"][:2] == ["cd demo", "uv sync"]
    threads = variant[-1] in {"background", "thread"}
    assert any("GIL" in warning for warning in document["warnings"]) == threads


def test_the_first_commit_holds_everything(cli: Cli, tmp_path: Path) -> None:
    cli("new", "demo", "--defaults", "--no-install")
    project = tmp_path / "demo"
    assert git(project, "status", "--porcelain", "--ignored") == ""
    assert git(project, "branch", "--show-current") == "main"
    assert git(project, "rev-list", "--count", "HEAD") == "1"
    assert sorted(git(project, "ls-files").splitlines()) == sorted(contents(project))


def test_installing_locks_before_the_commit(cli: Cli, tmp_path: Path) -> None:
    # Each would lead uv away from the new project.
    elsewhere = {
        "VIRTUAL_ENV": str(tmp_path / "other"),
        "UV_PROJECT_ENVIRONMENT": str(tmp_path / "other"),
        "UV_PROJECT": str(tmp_path),
        "UV_FROZEN": "1",
    }
    result = cli("new", "demo", "--defaults", "--json", env=elsewhere)
    document = json.loads(result.stdout)
    assert (document["installed"], document["warnings"]) == (True, []), document
    assert "uv sync" not in document["next_steps"]
    assert "uv.lock" in git(tmp_path / "demo", "ls-files").splitlines()
    assert git(tmp_path / "demo", "status", "--porcelain") == ""
    assert (tmp_path / "demo" / ".venv" / "bin" / "uvicorn").exists()
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("config", "author"),
    [
        ("", "fastoffload <fastoffload@localhost>"),
        ("[user]\nname = Ann\nemail = a@b.c", "Ann <a@b.c>"),
    ],
)
def test_the_commit_has_an_author(cli: Cli, tmp_path: Path, config: str, author: str) -> None:
    # Signing, hooks and ignored patterns of the user's must not stop or thin out the commit.
    strict = "[commit]\ngpgSign = true\n[gpg]\nprogram = false\n[core]\nexcludesFile = ignored"
    (tmp_path / "ignored").write_text("*.toml\n")
    (tmp_path / "gitconfig").write_text(f"{strict}\n{config}\n")
    env = {"GIT_CONFIG_GLOBAL": str(tmp_path / "gitconfig"), "GIT_CONFIG_NOSYSTEM": "1"}
    result = cli("new", "demo", "--defaults", "--no-install", env=env)
    assert result.returncode == 0, result.stderr
    assert git(tmp_path / "demo", "log", "--format=%an <%ae>") == author
    assert "pyproject.toml" in git(tmp_path / "demo", "ls-files").splitlines()


def test_called_from_a_hook_it_leaves_that_repository_alone(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "hooked").mkdir()
    git(tmp_path / "hooked", "init")
    env = {"GIT_DIR": str(tmp_path / "hooked" / ".git"), "GIT_INDEX_FILE": "index"}
    result = cli("new", "demo", "--defaults", "--no-install", env=env)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "demo" / ".git").is_dir()


def test_within_a_repository_no_other_is_made(cli: Cli, tmp_path: Path) -> None:
    git(tmp_path, "init")
    result = cli("new", "services/demo", "--defaults", "--no-install", "--json")
    document = json.loads(result.stdout)
    assert document["git"] is False
    assert str(tmp_path) in document["warnings"][0]
    assert not (tmp_path / "services" / "demo" / ".git").exists()


def test_a_folder_that_the_repository_around_ignores_gets_its_own(cli: Cli, tmp_path: Path) -> None:
    git(tmp_path, "init")
    (tmp_path / ".gitignore").write_text("/demo/\n")
    document = json.loads(cli("new", "demo", "--defaults", "--no-install", "--json").stdout)
    assert document["git"] is True
    assert git(tmp_path / "demo", "rev-parse", "--show-toplevel") == str(tmp_path / "demo")


def test_the_present_folder_is_filled_not_replaced(cli: Cli, tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir()
    before = here.stat().st_ino
    result = cli("new", ".", *QUICK, "--json", cwd=here)
    document = json.loads(result.stdout)
    assert here.stat().st_ino == before
    assert document["name"] == "here"
    assert document["next_steps"][0] == "uv sync"
    assert sorted(contents(here)) == document["files"]


def test_missing_parents_are_made(cli: Cli, tmp_path: Path) -> None:
    assert cli("new", "a/b/c", *QUICK).returncode == 0
    assert (tmp_path / "a" / "b" / "c" / "pyproject.toml").is_file()
    assert names_in(tmp_path / "a" / "b") == ["c"]


def test_the_steps_put_the_program_on_the_path_where_only_uv_run_finds_it(
    cli: Cli, tmp_path: Path
) -> None:
    program = tmp_path / "bin" / "fastoffload"
    program.parent.mkdir()
    own = Path(sys.executable).parent
    first = {"UV_RUN_RECURSION_DEPTH": "1", "PATH": os.pathsep.join(map(str, (own, *PATH)))}
    made = cli("new", "demo", *QUICK, env=first).stdout
    install, add = made.index("  uv tool install --editable"), made.index("  fastoffload add")
    assert install < add
    assert f"--editable {shlex.quote(str(CHECKOUT))} " in made
    program.touch(mode=0o755)
    installed = first | {"PATH": f"{first['PATH']}{os.pathsep}{program.parent}"}
    assert "uv tool install" not in cli("new", "other", *QUICK, env=installed).stdout


def test_the_steps_name_a_folder_that_the_shell_can_enter(cli: Cli) -> None:
    result = cli("new", "my demo", *QUICK, "--name", "demo")
    assert "  cd 'my demo'\n" in result.stdout
    assert "start.py" in result.stdout
    assert "curl -T app/jobs/report/page/nile.csv" in result.stdout


@pytest.mark.parametrize(
    ("variant", "made", "started"),
    [
        ("background", "background", ""),
        ("executor-thread", "executor, thread pool", ""),
        (
            "dramatiq-rabbitmq",
            "dramatiq, rabbitmq broker",
            "web, worker and an embedded broker; ",
        ),
    ],
)
def test_the_steps_fit_the_choice(cli: Cli, variant: str, made: str, started: str) -> None:
    result = cli("new", "demo", *VARIANTS[variant], "--no-install", "--no-git")
    assert f"Made demo ({made}) in " in result.stdout
    assert f"  uv run start.py  # {started}then open http://" in result.stdout


@pytest.mark.parametrize(
    "description",
    ['"quoted" \\ {{ x }} {% y %}', "<b> & 'żółć' 😀", "null", "123", "true", "# no", "a: b"],
)
def test_a_description_arrives_as_it_was_given(cli: Cli, tmp_path: Path, description: str) -> None:
    result = cli("new", "demo", *QUICK, "--name", "My.Demo", "--description", description)
    assert result.returncode == 0, result.stderr
    project = tomllib.loads((tmp_path / "demo" / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["name"] == "My.Demo"
    assert project["project"]["description"] == description


def test_the_files_depend_on_the_answers_alone(cli: Cli, tmp_path: Path) -> None:
    settings = tmp_path / "settings.yml"
    settings.write_text("defaults: {description: mine, pool: thread, project_name: other}")
    cli("new", "one/demo", *QUICK)
    cli("new", "two/demo", *QUICK, env={"COPIER_SETTINGS_PATH": str(settings), "LANG": "C"})
    one = contents(tmp_path / "one" / "demo")
    assert one == contents(tmp_path / "two" / "demo")
    for name, data in one.items():
        assert str(tmp_path).encode() not in data, name
        assert str(CHECKOUT).encode() not in data, name


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
def test_dry_run_lists_what_is_written_and_writes_nothing(
    cli: Cli, tmp_path: Path, variant: tuple[str, ...]
) -> None:
    said = cli("new", "a/demo", *variant, "--dry-run", "--json")
    document = json.loads(said.stdout)
    assert names_in(tmp_path) == []
    assert document["dry_run"] is True
    assert len(said.stderr.splitlines()) == len(document["warnings"])
    cli("new", "a/demo", *variant, "--no-install", "--no-git")
    assert sorted(contents(tmp_path / "a" / "demo")) == document["files"]


def test_dry_run_is_short_and_has_a_sum(cli: Cli, tmp_path: Path) -> None:
    document = json.loads(cli("new", "demo", "-y", "--dry-run", "--json").stdout)
    said = cli("new", "demo", "-y", "--dry-run").stdout
    assert names_in(tmp_path) == []
    assert len(said.splitlines()) <= 24
    assert f"{len(document['files'])} files; nothing was written" in said
    in_app = sum(file.startswith("app/") for file in document["files"])
    assert f"{in_app}  app/" in said
    assert all(file.partition("/")[0] in said for file in document["files"])


def test_a_project_inside_another_repository_hears_of_its_workflows(
    cli: Cli, tmp_path: Path
) -> None:
    git(tmp_path, "init")
    done = cli("new", "services/demo", "--defaults", "--no-install")
    assert done.returncode == 0
    assert "Its workflows never run there" in done.stderr
    assert str(tmp_path / "services" / "demo" / ".github" / "workflows") in done.stderr
    assert "work in services/demo" in done.stderr


@pytest.mark.parametrize("branch", ["main", "trunk"])
def test_the_clone_of_an_empty_repository_is_an_empty_folder(
    cli: Cli, tmp_path: Path, branch: str
) -> None:
    git(tmp_path, "init", "--bare", "--initial-branch", branch, "hub.git")
    git(tmp_path, "clone", "hub.git", "demo")
    document = json.loads(cli("new", "demo", "--defaults", "--no-install", "--json").stdout)
    project = tmp_path / "demo"
    assert document["git"] is True
    assert git(project, "status", "--porcelain") == ""
    assert git(project, "branch", "--show-current") == branch
    git(project, "push", "origin", branch)
    assert sorted(git(project, "ls-files").splitlines()) == sorted(contents(project))


def test_a_clone_in_another_repository_is_committed_to_itself(cli: Cli, tmp_path: Path) -> None:
    git(tmp_path, "init")
    git(tmp_path, "init", "demo")
    document = json.loads(cli("new", "demo", "--defaults", "--no-install", "--json").stdout)
    assert (document["git"], document["warnings"]) == (True, [])
    assert git(tmp_path / "demo", "rev-list", "--count", "HEAD") == "1"


WORKSPACE = """
[project]
name = "mono"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = ["iniconfig"]

[tool.uv.workspace]
members = ["packages/*", "services/**"]
exclude = ["packages/alone*"]
"""


@pytest.mark.parametrize(
    ("path", "is_member"),
    [("packages/reports", True), ("services/a/b", True), ("packages/alone1", False), ("x", False)],
)
def test_a_uv_workspace_is_left_as_it_is(
    cli: Cli, tmp_path: Path, path: str, is_member: bool
) -> None:
    (tmp_path / "pyproject.toml").write_text(WORKSPACE)
    subprocess.run([find_uv_bin(), "sync", "--quiet"], cwd=tmp_path, check=True)
    lock = (tmp_path / "uv.lock").read_bytes()
    installed = sorted((tmp_path / ".venv").glob("lib/python*/site-packages/*"))
    document = json.loads(cli("new", path, "--defaults", "--no-git", "--json").stdout)
    assert (tmp_path / "uv.lock").read_bytes() == lock
    assert sorted((tmp_path / ".venv").glob("lib/python*/site-packages/*")) == installed
    assert document["installed"] is not is_member
    assert (tmp_path / path / "uv.lock").exists() is not is_member
    assert any(f'exclude = ["{path}"]' in one for one in document["warnings"]) is is_member

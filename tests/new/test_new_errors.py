"""`fastoffload new` refuses: one line, an exit code, and nothing written."""

import subprocess
from pathlib import Path

import pytest
from conftest import Cli, names_in

from fastoffload.catalog import STRATEGIES


def refused(result: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    assert result.returncode == code, result.stderr
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert len(result.stderr.splitlines()) == 1, result.stderr
    for word in words:
        assert word in result.stderr


USAGE = {
    "no strategy": ((), ("--strategy", f"({', '.join(STRATEGIES)})", "--defaults")),
    "unknown strategy": (("--strategy", "kafka"), ("'kafka'", ", ".join(STRATEGIES))),
    "unknown pool": (
        ("--strategy", "executor", "--pool", "x"),
        ("unknown pool 'x'; --pool takes one of: process, thread",),
    ),
    "unknown broker": (
        ("--strategy", "celery", "--broker", "kafka"),
        ("unknown broker 'kafka'; --broker takes one of: redis, rabbitmq",),
    ),
    "no broker's name": (("--strategy", "dramatiq", "--broker", ""), ("unknown broker ''",)),
    "background's pool": (
        ("--strategy", "background", "--pool", "thread"),
        ("--pool does not go with strategy background; leave it out",),
    ),
    "celery's pool": (
        ("--strategy", "celery", "--pool", "thread", "--broker", "redis"),
        ("--pool does not go with strategy celery; leave it out",),
    ),
    "the executor's broker": (
        ("--strategy", "executor", "--broker", "redis"),
        ("--broker does not go with strategy executor; leave it out",),
    ),
    "the default's broker": (("-y", "--broker", "redis"), ("--broker", "strategy executor")),
    "a pool alone": (("--pool", "thread"), ("--pool needs --strategy executor beside it",)),
    "a broker alone": (
        ("--broker", "rabbitmq"),
        ("--broker needs --strategy celery or dramatiq beside it",),
    ),
    "bad name": (("-y", "--name", "a b"), ("--name 'a b'", "letters")),
    "a name of two lines": (("-y", "--name", "a\nb"), (r"'a\nb'",)),
    "a name like markup": (("-y", "--name", "[bold]x"), ("'[bold]x'",)),
    "description of two lines": (("-y", "--description", "a\nb"), ("--description", "one line")),
    "a dependency's name": (("-y", "--name", "FastAPI"), ("'FastAPI'", "--name", "depend")),
    "a dependency's spelling": (("-y", "--name", "Pydantic.Settings"), ("--name", "depend")),
    "a development dependency's name": (("-y", "--name", "pytest"), ("--name", "depend")),
}


@pytest.mark.parametrize(("options", "words"), USAGE.values(), ids=USAGE)
def test_wrong_usage(
    cli: Cli, tmp_path: Path, options: tuple[str, ...], words: tuple[str, ...]
) -> None:
    refused(cli("new", "demo", *options), 2, *words)
    assert names_in(tmp_path) == []


def test_a_folder_whose_name_is_none(cli: Cli, tmp_path: Path) -> None:
    refused(cli("new", "my demo", "-y"), 2, "'my demo'", "--name")
    assert names_in(tmp_path) == []


def test_no_question_is_asked_for_json(cli: Cli) -> None:
    refused(cli("new", "demo", "--json"), 2, "--strategy")


def test_a_folder_that_is_not_empty(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "precious").touch()
    refused(cli("new", "demo", "-y"), 1, str(tmp_path / "demo"), "not empty", "precious")
    assert names_in(tmp_path / "demo") == ["precious"]


@pytest.mark.parametrize("path", ["file", "file/demo"])
def test_a_file_in_the_way(cli: Cli, tmp_path: Path, path: str) -> None:
    (tmp_path / "file").touch()
    refused(cli("new", path, "-y"), 1, str(tmp_path / "file"), "is a file")
    assert names_in(tmp_path) == ["file"]


def test_a_loop_of_links(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    refused(cli("new", "loop/demo", "-y"), 1, "loop")


def test_no_git(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    env = {"PATH": str(tmp_path / "bin")}
    refused(cli("new", "demo", "-y", env=env), 1, "git is not on PATH", "--no-git")
    assert names_in(tmp_path) == ["bin"]
    assert cli("new", "demo", "-y", "--no-git", "--no-install", env=env).returncode == 0


@pytest.mark.parametrize("path", ["locked/demo", "locked/a/b", "locked"])
def test_a_folder_without_permission(
    cli: Cli, tmp_path: Path, without_privileges: list[str], path: str
) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    result = cli("new", path, "-y", prefix=without_privileges)
    refused(result, 1, "no permission", str(locked))
    assert names_in(locked) == []


def test_a_folder_that_cannot_be_looked_into(
    cli: Cli, tmp_path: Path, without_privileges: list[str]
) -> None:
    (tmp_path / "closed" / "inner").mkdir(parents=True)
    (tmp_path / "closed").chmod(0o000)
    result = cli("new", "closed/inner/demo", "-y", prefix=without_privileges)
    (tmp_path / "closed").chmod(0o700)
    refused(result, 1, "closed")


def on_file_system(prefix: list[str], folder: Path, options: str) -> list[str]:
    """What follows runs with a new file system on the folder, which is listed at the end."""
    script = """
        mount -t tmpfs -o "$1" none "$2" || exit 99
        folder=$2; shift 2
        "$@"; code=$?
        ls -A "$folder"
        exit $code
    """
    return [*prefix, "sh", "-c", script, "sh", options, str(folder)]


def test_a_read_only_file_system(cli: Cli, tmp_path: Path, private_mounts: list[str]) -> None:
    prefix = on_file_system(private_mounts, tmp_path, "ro")
    refused(cli("new", str(tmp_path / "demo"), "-y", prefix=prefix), 1, "no permission")


@pytest.mark.parametrize(("options", "needed"), [((), "500 MB"), (("--no-install",), "50 MB")])
def test_no_space(
    cli: Cli, tmp_path: Path, private_mounts: list[str], options: tuple[str, ...], needed: str
) -> None:
    prefix = on_file_system(private_mounts, tmp_path, "size=4m")
    result = cli("new", str(tmp_path / "demo"), "-y", *options, prefix=prefix)
    refused(result, 1, "4 MB free", needed, "free some")


@pytest.mark.parametrize("folder", ["a/b/demo", "."])
def test_no_space_half_way(
    cli: Cli, tmp_path: Path, private_mounts: list[str], folder: str
) -> None:
    # Space enough, but inodes for 20 files only: the same error, at a moment that can be chosen.
    prefix = on_file_system(private_mounts, tmp_path, "size=100m,nr_inodes=20")
    target = str(tmp_path / folder)
    result = cli("new", target, "-y", "--no-install", "--name", "demo", prefix=prefix)
    refused(result, 1, "No space left on device", str(tmp_path))


@pytest.mark.parametrize(
    ("options", "meant"),
    [
        (("--strategy", "celry"), "'celery'"),
        (("--strategy", "Dramatic"), "'dramatiq'"),
        (("--strategy", "executor", "--pool", "threads"), "'thread'"),
        (("--strategy", "celery", "--broker", "rabbit"), "'rabbitmq'"),
    ],
)
def test_what_was_meant_is_guessed(cli: Cli, options: tuple[str, ...], meant: str) -> None:
    refused(cli("new", "demo", *options), 2, f"did you mean {meant}?")


@pytest.mark.parametrize(
    ("name", "near"),
    [("my app", "my-app"), ("  Zürich & Söhne ", "Zurich-Sohne"), ("_x_", "x"), ("a/b", "a-b")],
)
def test_a_bad_name_comes_with_a_valid_one(cli: Cli, name: str, near: str) -> None:
    refused(cli("new", "demo", "-y", "--name", name), 2, f"such as --name {near}")


def test_a_name_of_which_nothing_is_left_has_none_near(cli: Cli) -> None:
    done = cli("new", "demo", "-y", "--name", "日本")
    refused(done, 2, "'日本' is no valid project name")
    assert "such as" not in done.stderr


def test_a_repository_with_files_is_not_empty(cli: Cli, tmp_path: Path) -> None:
    demo = tmp_path / "demo"
    demo.mkdir()
    git = ("git", "-c", "user.name=Ann", "-c", "user.email=ann@localhost")
    for command in ("init", "add .", "commit -m x", "rm -q precious"):
        (demo / "precious").touch()
        subprocess.run([*git, *command.split()], cwd=demo, capture_output=True, check=True)
    refused(cli("new", "demo", "-y"), 1, "whose last commit has files", "--no-git")
    assert names_in(demo) == [".git"]

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from conftest import FASTOFFLOAD, Cli

from fastoffload.catalog import STRATEGIES


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["new"],
        ["update"],
        ["switch"],
        ["status"],
        ["strategies"],
        ["bench"],
        ["choose"],
        ["add"],
        ["recipes"],
    ],
)
def test_help_has_an_example(cli: Cli, command: list[str]) -> None:
    result = cli(*command, "--help")
    assert result.returncode == 0
    assert f"Example: fastoffload {' '.join(command)}" in result.stdout
    assert result.stderr == ""


def test_version(cli: Cli) -> None:
    assert cli("--version").stdout == f"fastoffload {version('fastoffload')}\n"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [(["new"], "PATH"), (["nonsense"], "nonsense"), (["new", "-x"], "-x")],
)
def test_wrong_usage_is_one_line_and_2(cli: Cli, arguments: list[str], named: str) -> None:
    result = cli(*arguments)
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert len(result.stderr.splitlines()) == 1
    assert named in result.stderr
    assert "fastoffload --help" in result.stderr


def test_alone_it_prints_help(cli: Cli) -> None:
    alone = cli()
    assert (alone.returncode, alone.stderr) == (0, "")
    assert alone.stdout == cli("--help").stdout


def test_the_help_is_for_users(cli: Cli) -> None:
    listed = cli("--help").stdout.partition("Commands:")[2]
    assert "smoke" not in listed
    assert "..." not in listed  # each says what it does in one line
    assert "Example: fastoffload smoke" in cli("smoke", "--help").stdout


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("new demo --strategy ", list(STRATEGIES)),
        ("new demo --strategy c", ["celery"]),
        ("new demo --pool ", ["process", "thread"]),
        ("new demo --broker r", ["redis", "rabbitmq"]),
        ("switch d", ["dramatiq"]),
        ("switch celery --broker ra", ["rabbitmq"]),
        ("choose --must-survive d", ["deploy"]),
        ("choose --work g", ["gpu"]),
        (
            "bench --variants celery-redis,dramatiq-r",
            ["celery-redis,dramatiq-redis", "celery-redis,dramatiq-rabbitmq"],
        ),
    ],
)
def test_a_shell_completes_choices(words: str, offered: list[str]) -> None:
    typed = f"fastoffload {words}"
    asked = {"COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split(" ")) - 1)}
    done = subprocess.run(
        [Path(sys.executable).parent / "fastoffload"],
        env=os.environ | asked | {"_FASTOFFLOAD_COMPLETE": "complete_bash"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == offered


def test_errors_are_red_unless_no_color(cli: Cli) -> None:
    red = cli("nonsense", env={"FORCE_COLOR": "1", "TERM": "xterm"})
    plain = cli("nonsense", env={"FORCE_COLOR": "1", "TERM": "xterm", "NO_COLOR": "1"})
    assert "\x1b[1;31m" in red.stderr
    assert "\x1b[1;31m" not in plain.stderr


def test_help_imports_nothing_slow() -> None:
    code = """
import sys
from fastoffload.__main__ import app
app(["--help"], standalone_mode=False)
slow = set("copier jinja2 packaging prompt_toolkit pydantic questionary rich yaml".split())
sys.exit(" ".join(slow & set(sys.modules)) or 0)
"""
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert "Usage" in result.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("command", [["strategies"], ["strategies", "--json"], ["--help"]])
def test_a_full_disk_behind_stdout_is_one_line(command: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [*FASTOFFLOAD, *command], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: stdout: No space left on device; ")

"""What `bench` refuses before it generates or measures anything."""

import math
import re
import subprocess
from pathlib import Path

import pytest
from conftest import Cli

from fastoffload.bench.options import BenchOptions
from fastoffload.bench.service.own_compute import OwnCompute
from fastoffload.bench.service.projects import INSIDE
from fastoffload.errors import UsageError

WORK = """
import numpy
from os.path import join

def of_nothing(): ...
def of_values(values, scale=1): ...
def of_two(values, scale): ...
def of_keyword(*, scale): ...
async def of_loop(): ...
"""


def refused(done: subprocess.CompletedProcess[str], code: int, named: str) -> bool:
    lines = done.stderr.splitlines()
    return done.returncode == code and len(lines) == 1 and named in lines[0] and not done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        (("--seconds", "5"), 2, "--seconds 5 is too short"),
        (("--variants", "celery"), 2, "unknown variant 'celery'; --variants takes"),
        (("--variants", ","), 2, "no variant named"),
        (("nowhere",), 2, "nowhere lacks Procfile"),
        ((".", "--compute", "work.py:of_nothing"), 2, "give --variants too"),
        (("--html", "no/such/folder/page.html"), 1, "page.html cannot be written"),
        (("--svg", "."), 1, "cannot be written"),
        (("--compute", "work.py"), 2, "FILE:FUNCTION"),
        (("--compute", "absent.py:work"), 2, "absent.py: No such file"),
        (("--compute", "broken.py:work"), 2, "broken.py is no Python"),
        (("--compute", "work.py:join"), 2, "it has: of_nothing, of_values, of_two"),
        (("--compute", "work.py:of_two"), 2, "must take nothing, or the list of values alone"),
        (("--compute", "work.py:of_keyword"), 2, "must take nothing"),
        (("--compute", "work.py:of_loop"), 2, "is async"),
    ],
)
def test_refused_in_one_line(
    cli: Cli, tmp_path: Path, arguments: tuple[str, ...], code: int, named: str
) -> None:
    (tmp_path / "work.py").write_text(WORK)
    (tmp_path / "broken.py").write_text("def work(:")
    done = cli("bench", *arguments)
    assert refused(done, code, named), (done.returncode, done.stderr)


def options(names: str | None, *paths: Path, seconds: float = 600) -> BenchOptions:
    return BenchOptions.of(
        paths, names, seconds=seconds, rounds=1, compute=None, packages=[], files=[]
    )


@pytest.mark.parametrize(
    ("broker", "names", "named"),
    [
        ("", "celery-rabbitmq", "celery-rabbitmq needs a RabbitMQ; give one by BROKER_URL=amqp://"),
        ("redis://host", "background,dramatiq-rabbitmq", "dramatiq-rabbitmq needs a RabbitMQ"),
        ("http://me:secret@x", "celery-rabbitmq", "BROKER_URL is no URL of a Redis or RabbitMQ"),
        ("http://me:secret@x", "celery-redis", "give redis://… or amqp://…"),
        ("amqp://me:secret@[", "celery-redis", "BROKER_URL is no URL of"),
        ("nonsense", None, "BROKER_URL is no URL of"),
    ],
)
def test_no_variant_is_measured_on_another_broker_than_its_own(
    monkeypatch: pytest.MonkeyPatch, broker: str, names: str | None, named: str
) -> None:
    monkeypatch.setenv("BROKER_URL", broker)
    with pytest.raises(UsageError, match=re.escape(named)) as refusal:
        options(names)
    assert "secret" not in str(refusal.value)


def test_a_project_of_rabbitmq_needs_one_too(
    monkeypatch: pytest.MonkeyPatch, cli: Cli, tmp_path: Path
) -> None:
    cli("new", "demo", "--strategy", "celery", "--broker", "rabbitmq", "--no-install", "--no-git")
    python = tmp_path / "demo" / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    monkeypatch.delenv("BROKER_URL", raising=False)
    with pytest.raises(UsageError, match="demo needs a RabbitMQ"):
        options(None, tmp_path / "demo")


def test_a_broker_is_asked_for_only_by_what_uses_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKER_URL", "sqs://elsewhere")
    assert options("background").names == ["background"]
    monkeypatch.setenv("BROKER_URL", "amqp://guest@127.0.0.1:5672/")
    assert options("celery-redis,celery-rabbitmq").names == ["celery-redis", "celery-rabbitmq"]
    monkeypatch.delenv("BROKER_URL")
    assert [name for name in options(None).names if "rabbitmq" in name] == []
    assert len(options(None).left_out) == 2


@pytest.mark.parametrize("url", ["", "nonsense", "postgresql://[", "mysql://me@host/x"])
def test_an_unknown_database_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    with pytest.raises(UsageError, match="DATABASE_URL is no URL of a PostgreSQL"):
        options("background")


def test_not_a_number_is_too_short() -> None:
    with pytest.raises(UsageError, match="--seconds nan is too short"):
        options("background", seconds=math.nan)


def test_a_function_that_will_do_is_taken_without_running_it(tmp_path: Path) -> None:
    file = tmp_path / "work.py"
    file.write_text(WORK)  # numpy is not installed here
    assert not OwnCompute.of(f"{file}:of_nothing").takes_values
    assert OwnCompute.of(f"{file}:of_values").takes_values
    with pytest.raises(UsageError):
        OwnCompute.of(f"{file}:numpy")


def test_what_runs_in_the_projects_is_in_the_package() -> None:
    names = {path.name for path in INSIDE.rglob("*.py")}
    assert {"blocking_way.py", "def_route.py", "bare_pool.py", "work.py"} <= names

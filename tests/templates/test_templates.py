"""The template's files, and what they render to."""

import re
from pathlib import Path

import jinja2
import pytest
import yaml
from conftest import VARIANTS, Cli, Rendered
from copier import run_copy
from workshop import CHECKOUT

from fastoffload.catalog import variants

TEMPLATES = CHECKOUT / "templates"

# What only some variants have, below app/offload.
POOL = [
    "running/children.py",
    "running/own_group.py",
    "running/pool.py",
    "running/pool_watch.py",
]
IN_PROCESS = ["running/slots.py"]
THREADS = ["running/threads.py"]
QUEUE = [
    "broker.py",
    "dev/broker.py",
    "notifier.py",
    "malformed_messages.py",
    "worker.py",
    "worker_children.py",
]
RUN_ON = {
    "threads": IN_PROCESS + THREADS,
    "processes": IN_PROCESS + POOL,
    "workers": POOL + QUEUE,
}
OF_A_VARIANT = {name: RUN_ON[choice.runs_on] for name, choice in variants().items()}
OF_THE_RECIPE = ("app/jobs/report/", "migrations/versions/0", "tests/jobs/test_report")
CONDITION = re.compile(r"\{% if (.+?) %\}(.+?)\{% endif %\}")
TAG = re.compile(r"\{[%#]|\{\{ ")  # other pairs of braces are Python's, in an f-string
CACHES = ("__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache")
# What may differ between two brokers: what is set up, not what is run.
OF_A_BROKER = {
    ".copier-answers.yml",
    ".env.example",
    ".github/workflows/ci.yml",
    "README.md",
    "compose.yaml",
}


@pytest.fixture(params=VARIANTS)
def variant(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def project(variant: str, rendered: Rendered) -> Path:
    """A rendered project that is not installed."""
    return rendered(variant)


def named_under(condition: str | None) -> set[str]:
    """The files of the template whose path has that condition, by their names in a project."""
    project, names = TEMPLATES / "project", set()
    for path in project.rglob("*"):
        if path.is_file() and not set(CACHES) & set(path.parts):
            name = path.relative_to(project).as_posix().removesuffix(".jinja")
            found = CONDITION.search(name)
            if (found[1] if found else None) == condition:
                names.add(CONDITION.sub(r"\2", name))
    return {".copier-answers.yml" if "_copier_conf" in name else name for name in names}


def files(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_exactly_these_files(project: Path, variant: str) -> None:
    found = {name for name in files(project) if not name.startswith(OF_THE_RECIPE)}
    everywhere = named_under(None)
    assert everywhere <= found
    rest = {name for name in found - everywhere if not name.startswith("tests/")}
    assert rest == {f"app/offload/{name}" for name in OF_A_VARIANT[variant]}
    tests = {
        "has_pool": set(POOL) <= set(OF_A_VARIANT[variant]),
        "not has_pool": set(THREADS) <= set(OF_A_VARIANT[variant]),
        "has_broker": set(QUEUE) <= set(OF_A_VARIANT[variant]),
    }
    expected = {
        name for condition, holds in tests.items() if holds for name in named_under(condition)
    }
    assert found - everywhere - rest == {name for name in expected if name.startswith("tests/")}


def test_a_second_rendering_is_the_same_to_the_byte(
    project: Path, variant: str, tmp_path: Path, cli: Cli
) -> None:
    again = tmp_path / "again" / "demo"
    cli("new", str(again), *VARIANTS[variant], "--no-install", "--no-git")
    assert files(again) == files(project)


def test_no_tag_is_left_and_every_text_ends_with_one_newline(project: Path) -> None:
    for name, content in files(project).items():
        if name.endswith((".gitkeep", ".ttf", "__init__.py")):
            continue
        text = content.decode()
        if name.startswith(".github/"):
            text = text.replace("${{", "")  # an expression of GitHub's
        assert not TAG.search(text), name
        assert re.search(r"[^\n]\n$", text), name


def test_nothing_of_this_machine_is_rendered(project: Path) -> None:
    for name, content in files(project).items():
        assert str(project.parent).encode() not in content, name
        assert str(TEMPLATES.parent).encode() not in content, name


def test_the_answers_name_the_template_and_the_choices(project: Path, variant: str) -> None:
    answers = yaml.safe_load((project / ".copier-answers.yml").read_text())
    assert answers["_src_path"] == "git+fastoffload::templates"
    option = answers.get("pool") or answers.get("broker")
    assert "-".join(filter(None, (answers["strategy"], option))) == variant


def test_python_in_the_template_is_plain_python() -> None:
    for path in TEMPLATES.rglob("*.py"):
        assert not TAG.search(path.read_text()), path


def test_strategies_of_a_kind_have_the_same_files_and_none_is_empty() -> None:
    of = {folder.name: files(folder) for folder in (TEMPLATES / "strategies").iterdir()}
    brokers = {folder.name: files(folder) for folder in (TEMPLATES / "brokers").iterdir()}
    queues = {choice.strategy.name for choice in variants().values() if choice.is_queue}
    started = {"worker.py", "malformed_messages.py", "Procfile", "command"}
    for name, found in of.items():
        assert set(found) == {"strategy.py", "readme.md"} | (started if name in queues else set())
    assert brokers["redis"].keys() == brokers["rabbitmq"].keys()
    for found in (*of.values(), *brokers.values()):
        assert all(found.values())


@pytest.mark.parametrize("strategy", ["celery", "dramatiq"])
def test_the_broker_changes_no_code(strategy: str, rendered: Rendered) -> None:
    redis, rabbitmq = (files(rendered(f"{strategy}-{broker}")) for broker in ("redis", "rabbitmq"))
    assert redis.keys() == rabbitmq.keys()
    assert {name for name in redis if redis[name] != rabbitmq[name]} <= OF_A_BROKER


def test_a_misspelt_variable_is_an_error(tmp_path: Path) -> None:
    answers = TEMPLATES / "copier.yml"
    (tmp_path / "project").mkdir()
    (tmp_path / "copier.yml").write_text(answers.read_text())
    (tmp_path / "project" / "a.txt.jinja").write_text("{{ projectname }}")
    with pytest.raises(jinja2.UndefinedError, match="projectname"):
        run_copy(
            str(tmp_path),
            tmp_path / "out",
            data={"project_name": "x", "strategy": "background"},
            defaults=True,
            quiet=True,
        )

"""What `switch` says of the broker that a project leaves."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from fastoffload.catalog import Choice
from fastoffload.merging.left_behind import UNUSED_DAYS, old_worker, on_broker, plain
from fastoffload.templating.answers import Answers

ENGINE = Path(__file__).parents[2] / "templates" / "project" / "app" / "offload"
BROKER = ENGINE / "{% if has_broker %}broker.py{% endif %}"


def answers(strategy: str, broker: str | None) -> Answers:
    return Answers("v0.2.0", "then", "", Choice.of(strategy, {"broker": broker} if broker else {}))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with another name than it was made with."""
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "Demo.Shop"\n')
    return tmp_path


@pytest.mark.parametrize("strategy", ["celery", "dramatiq"])
def test_what_is_left_and_how_to_clear_it(project: Path, strategy: str) -> None:
    redis, rabbitmq = (
        on_broker(project, answers(strategy, "redis")),
        on_broker(project, answers(strategy, "rabbitmq")),
    )

    assert redis is not None
    assert rabbitmq is not None
    assert f"--scan --pattern 'demo-shop.{strategy}:*' | xargs -r redis-cli -u" in redis
    assert f"begin with demo-shop.{strategy} are left" in rabbitmq
    assert f"grep '^demo-shop.{strategy}\\.' | xargs -r -n 1 rabbitmqctl delete_queue;" in rabbitmq
    assert f"{UNUSED_DAYS} days" in rabbitmq


def test_without_a_broker_nothing_is_left(project: Path) -> None:
    assert on_broker(project, answers("background", None)) is None


@pytest.mark.parametrize("name", ["Order.Service 2", "2nd", "_x_", "a" * 60, "é", "a--b"])
def test_a_name_becomes_what_the_engine_makes_of_it(name: str) -> None:
    """The engine's own function, for its module needs what a project has installed."""
    found = ast.parse(BROKER.read_text()).body
    [own] = [node for node in found if isinstance(node, ast.FunctionDef) and node.name == "_plain"]
    of_engine: dict[str, Any] = {"re": re}
    exec(ast.unparse(own), of_engine)
    assert plain(name) == of_engine["_plain"](name)


def test_names_and_days_are_the_engine_s() -> None:
    source = BROKER.read_text()

    assert f"UNUSED_QUEUE_SECONDS = {UNUSED_DAYS} * 86_400" in source
    assert re.search(r'return f"\{self\.queue_prefix or project_name\(\)\}\.\{strategy\}"', source)
    for engine, names in (
        ("celery", '"global_keyprefix": f"{PREFIX}:"'),
        ("dramatiq", "namespace=PREFIX"),
    ):
        worker = ENGINE.parents[2] / "strategies" / engine / "worker.py"
        assert names in worker.read_text()


@pytest.mark.parametrize(
    ("file", "strategy", "said"),
    [
        ("Procfile", "dramatiq", "put `dramatiq"),
        ("compose.yaml", "executor", "take that out"),
        ("Procfile", "celery", None),
        ("other", "executor", None),
    ],
)
def test_who_still_starts_the_old_worker_is_named(
    tmp_path: Path, file: str, strategy: str, said: str | None
) -> None:
    (tmp_path / file).write_text("worker: celery --quiet -A shop.offload.worker worker\n")
    before = Answers("v0.2.0", "then", "", Choice.of("celery", {}), package="shop")
    told = old_worker(tmp_path, before, Choice.of(strategy, {}))
    if said is None:
        assert told is None
    else:
        assert "`celery --quiet -A shop.offload.worker worker`, is still started" in str(told)
        assert f"by {file}: {said}" in str(told)
    generated = Answers("v0.2.0", "then", "", Choice.of("celery", {}))
    assert old_worker(tmp_path, generated, Choice.of(strategy, {})) is None

"""What `switch` says of the broker that a project leaves."""

import re
from pathlib import Path

import pytest

from fastoffload.catalog import Choice
from fastoffload.merging.left_behind import UNUSED_DAYS, on_broker
from fastoffload.templating.answers import Answers

ENGINE = Path(__file__).parents[2] / "templates" / "project" / "app" / "offload"
BROKER = ENGINE / "{% if has_broker %}broker.py{% endif %}"


def answers(strategy: str, broker: str | None) -> Answers:
    return Answers("v0.2.0", "demo", "", Choice.of(strategy, {"broker": broker} if broker else {}))


@pytest.mark.parametrize("strategy", ["celery", "dramatiq"])
def test_what_is_left_and_how_to_clear_it(strategy: str) -> None:
    redis, rabbitmq = (
        on_broker(answers(strategy, "redis")),
        on_broker(answers(strategy, "rabbitmq")),
    )

    assert redis is not None
    assert rabbitmq is not None
    assert f"redis-cli --scan --pattern 'demo.{strategy}:*' | xargs -r redis-cli del" in redis
    assert f"begin with demo.{strategy} are left" in rabbitmq
    assert f"{UNUSED_DAYS} days" in rabbitmq


def test_without_a_broker_nothing_is_left() -> None:
    assert on_broker(answers("background", None)) is None


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

"""Names on a broker: two services, or one before and after a switch, never meet."""

from typing import Any

import pytest
from pydantic import ValidationError

from app.offload import broker, worker
from app.offload.broker import BrokerSettings
from offload.queue_strategies.brokers import ENGINE


def test_names_carry_project_and_strategy() -> None:
    settings = BrokerSettings(queue_prefix="")
    assert settings.prefix("celery") == f"{broker.project_name()}.celery"
    assert settings.prefix("celery") != settings.prefix("dramatiq")


@pytest.mark.skipif(ENGINE != "celery", reason="Dramatiq knows no exchanges")
def test_no_exchange_is_declared_that_others_may_have_made_differently() -> None:
    celery: Any = worker
    queues = celery.app.amqp.queues.values()
    assert {queue.exchange.name for queue in queues} | {celery.app.amqp.default_exchange.name} == {
        ""
    }


def test_the_name_is_the_projects(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "Order.Service 2"\n')
    monkeypatch.setattr(broker, "__file__", str(tmp_path / "app" / "offload" / "broker.py"))
    broker.project_name.cache_clear()
    try:
        assert broker.project_name() == "order-service-2"
    finally:
        broker.project_name.cache_clear()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"broker_url": "kafka://localhost"}, "kafka:// is not supported"),
        ({"broker_url": "localhost:6379"}, "use redis:// or amqp://"),
        ({"queue_prefix": "two words"}, "queue_prefix"),
        ({"queue_prefix": "1st"}, "queue_prefix"),
        ({"broker_ca_file": "/no/such/file"}, "no file of certificates"),
        ({"broker_ca_file": __file__}, "no file of certificates"),
    ],
)
def test_what_cannot_work_is_refused(given: dict[str, str], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        BrokerSettings(**given)


@pytest.mark.parametrize("url", ["amqp://me@localhost/", "amqp://me@localhost//"])
def test_both_spellings_of_the_first_virtual_host_serve(url: str) -> None:
    assert BrokerSettings(broker_url=url).broker_url == "amqp://me@localhost/"

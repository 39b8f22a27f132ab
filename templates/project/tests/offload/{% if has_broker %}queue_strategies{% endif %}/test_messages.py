"""Whatever a message holds, it is dropped with a warning, and good jobs run."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from offload.callbacks.databases import with_tables
from offload.queue_strategies.brokers import (
    ENGINE,
    GIVEN,
    is_redis,
    kept,
    open_channel,
    put,
    queue_of,
    url_of,
)
from offload.service import Service, ServiceMaker, wait_until

NESTED = b"[" * 50_000
JUNK = [b"", b"not json", b"\xff\xfe", b"5", b"null", b"[1, 2]", b"{}", NESTED]
NO_RESTART = "starts again"
NO_SWEEP = {"SWEEP_SECONDS": "600"}
NOTHING_MORE = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}


def of_celery(service: Service) -> list[dict[str, Any]]:
    """Messages that Celery's consumer cannot read, or would delay, or that are another's."""
    good = {"task": "offload.look", "id": "x", "shadow": "s"}
    body: Any = [["default"], {}, NOTHING_MORE]
    made = [
        ({}, {}),
        ({"task": "offload.look"}, body),  # as another program would write it
        ({**good, "task": "reports.run"}, body),
        ({**good, "id": 5}, body),
        ({**good, "shadow": None}, body),
        (good, [[["default"]], {}, NOTHING_MORE]),
        (good, [["another"], {}, NOTHING_MORE]),
        (good, [["default"], {}, {**NOTHING_MORE, "callbacks": [{"task": "offload.look"}]}]),
        (good, {"args": 1, "task": "offload.look"}),
        (good, "text"),
    ]
    if not is_redis(url_of(service)):
        kinds = ("application/json", "application/x-python-serialize", "no/such")
        return [
            {"headers": h, "body": json.dumps(b).encode(), "content_type": kinds[n % 3]}
            for n, (h, b) in enumerate(made)
        ] + [{"headers": good, "body": junk, "content_type": kinds[0]} for junk in JUNK]
    wrapped = [{"body": wrap(service, h, b)} for h, b in made]
    return wrapped + [{"body": junk} for junk in JUNK if junk]


def wrap(service: Service, headers: Any, body: Any) -> bytes:
    """A message as Celery's Redis transport holds it."""
    information = {"exchange": "", "routing_key": queue_of(service)}
    return json.dumps(
        {
            "body": base64.b64encode(json.dumps(body).encode()).decode(),
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": headers,
            "properties": {
                "delivery_info": information,
                "delivery_tag": str(id(body)),
                "body_encoding": "base64",
            },
        }
    ).encode()


def of_dramatiq(service: Service) -> list[dict[str, Any]]:
    """Messages that Dramatiq's consumer cannot read, or would delay, or that are another's."""
    good = {
        "queue_name": queue_of(service),
        "actor_name": "offload.look",
        "args": ["default"],
        "kwargs": {},
        "options": {"redis_message_id": "x"},
        "message_id": "x",
        "message_timestamp": 1,
    }
    changes: list[dict[str, Any]] = [
        {"queue_name": "another"},
        {"actor_name": "run_report"},
        {"args": []},
        {"args": [["default"]]},
        {"args": ["another"]},
        {"kwargs": {"more": 1}},
        {"options": {"eta": 9_999_999_999_999}},
        {"options": None},
        {"message_id": ["x"]},
        {"message_timestamp": "yesterday"},
        {"more": 1},
    ]
    bodies = [json.dumps(good | change).encode() for change in changes]
    return [{"body": body} for body in [*bodies, *JUNK]]


@pytest.fixture(scope="module")
def orders(
    tmp_path_factory: pytest.TempPathFactory, own_settings: Callable[[], dict[str, str]]
) -> Iterator[Service]:
    """A service in which only messages tell a worker to look."""
    folder, settings = tmp_path_factory.mktemp("orders"), NO_SWEEP | own_settings()
    with with_tables(folder) as url, Service(folder, url, **settings) as running:
        yield running


def test_two_services_on_one_broker_do_not_meet(orders: Service, tmp_path: Path) -> None:
    name = orders.environment["QUEUE_PREFIX"] + "-2"
    settings = NO_SWEEP | {"BROKER_URL": url_of(orders), "QUEUE_PREFIX": name}
    begin = len(orders.log.read_text())
    with Service(tmp_path, f"sqlite:///{tmp_path / 'app.db'}", **settings) as invoices:
        for _ in range(6):
            for service in (orders, invoices):
                service.wait_for(service.submit(), "succeeded")
        told = orders.log.read_text()[begin:] + invoices.log.read_text()
        assert "message_dropped" not in told


def test_whatever_a_message_holds_good_jobs_run(orders: Service) -> None:
    orders.wait_for(orders.submit(), "succeeded")
    messages = (of_celery if ENGINE == "celery" else of_dramatiq)(orders)
    for message in messages:
        put(orders, **message)
    for _ in range(3):
        assert orders.wait_for(orders.submit(), "succeeded")["attempts"] == 1
    wait_until(lambda: not kept(orders), "nothing to be left on the broker")
    log = orders.log.read_text()
    assert log.count("message_dropped") + log.count("Failed to decode") >= len(messages)
    assert NO_RESTART not in log


@pytest.mark.skipif(not GIVEN or is_redis(GIVEN), reason="needs RabbitMQ: BROKER_URL")
@pytest.mark.skipif(ENGINE == "celery", reason="Dramatiq alone would make such a queue")
def test_no_queue_is_made_that_never_expires(make_service: ServiceMaker) -> None:
    with make_service() as service:
        service.wait_for(service.submit(), "succeeded")
        channel = open_channel(url_of(service))
        with pytest.raises(Exception, match="NOT_FOUND"):
            channel.queue_declare(f"{queue_of(service)}.XQ", passive=True)

"""The broker is away, silent or forgetful: nobody waits for it, no job is lost."""

import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app.offload.broker import MOST_MESSAGES
from offload.queue_strategies.brokers import ENGINE, GIVEN, Broker, forget, kept, waiting
from offload.queue_strategies.conftest import Breakable
from offload.service import LIMIT_SECONDS, Service, ServiceMaker, wait_until

SOON = 3  # seconds: an answer that waited for a broker would take longer
# Only messages tell a worker to look: no sweep comes to the rescue while a test lasts.
NO_SWEEP = {"SWEEP_SECONDS": "600"}
# Dramatiq keeps a list on Redis, and what it points to.
COPIES = 2 if ENGINE == "dramatiq" and not (GIVEN or "").startswith("amqp") else 1
NO_RESTART = "starts again"
# In Celery's words, in Dramatiq's, or in the launcher's about a worker that has ended.
MISSED = re.compile(f"Cannot connect to|connection error|{NO_RESTART}")


def broker_of(service: Service) -> str:
    """What the service says of its broker."""
    return str(service.http.get("/health/ready").json()["state"]["broker"])


@pytest.mark.parametrize("way", ["stop", "freeze"])
def test_nobody_waits_for_a_broker_that_is_away(
    breakable: Breakable, told: Callable[[], str], way: str
) -> None:
    service, broker = breakable
    service.wait_for(service.submit(), "succeeded")
    service.http.timeout = SOON
    broker.stop() if way == "stop" else broker.freeze()
    jobs = [service.submit() for _ in range(5)]
    for _ in range(50):
        assert service.http.get("/health/live").status_code == 200
    wait_until(lambda: broker_of(service) != "ok", "the broker to be missed")
    assert service.is_ready()
    service.http.timeout = LIMIT_SECONDS
    broker.start() if way == "stop" else broker.thaw()
    for job in jobs:
        assert service.wait_for(job, "succeeded")["attempts"] == 1
    wait_until(lambda: broker_of(service) == "ok", "the broker to be known to be back")
    assert told().count('"broker_away"') <= 2  # two processes publish
    assert NO_RESTART not in told()


def test_a_job_that_ends_while_the_broker_restarts_ends_no_worker(
    breakable: Breakable, told: Callable[[], str]
) -> None:
    service, broker = breakable
    busy = service.submit("held")
    service.wait_for(busy, "running")
    broker.stop()
    wait_until(lambda: MISSED.search(told()), "the worker to miss its broker")
    service.let_go()
    service.wait_for(busy, "succeeded")
    broker.start()
    after = service.wait_for(service.submit(), "succeeded")
    assert after["attempts"] == 1
    assert len(service.runs(busy)) == 1
    assert NO_RESTART not in told()


def test_an_idle_worker_finds_its_broker_again(
    breakable: Breakable, told: Callable[[], str]
) -> None:
    service, broker = breakable
    service.wait_for(service.submit(), "succeeded")
    broker.stop()
    broker.start()
    service.wait_for(service.submit(), "succeeded")
    assert NO_RESTART not in told()
    assert "<class " not in service.log.read_text()  # the broker has a URL


def test_a_stop_does_not_wait_for_a_silent_broker(breakable: Breakable) -> None:
    service, broker = breakable
    service.wait_for(service.submit(), "succeeded")
    wait_until(lambda: not waiting(service), "the worker to take messages")
    busy = service.submit("held")
    service.wait_until_run(busy)
    broker.freeze()
    service.send(signal.SIGTERM, "worker")
    service.wait_until_ended("worker")
    broker.thaw()
    service.start_command("worker")
    service.wait_until_run(busy, times=2)
    service.let_go()
    done = service.wait_for(busy, "succeeded")
    assert done["attempts"] == 1
    assert [attempt["outcome"] for attempt in done["history"]] == ["interrupted"]


def test_lost_messages_are_sent_again(breakable: Breakable) -> None:
    service, broker = breakable
    service.kill("worker")
    jobs = [service.submit() for _ in range(20)]
    wait_until(lambda: kept(service), "messages")
    broker.forget()
    service.start_command("worker")
    for job in jobs:
        assert service.wait_for(job, "succeeded")["attempts"] == 1


def test_a_queue_that_nobody_reads_stays_short(make_service: ServiceMaker) -> None:
    service = make_service()
    service.start_command("broker")
    publish = "from app.offload import worker; [worker._publish('default') for _ in range(250)]"
    command = [sys.executable, "app/offload/dev/broker.py", sys.executable, "-c", publish]
    subprocess.run(command, cwd=service.folder, env=service.environment, check=True)
    messages = len(kept(service)) // COPIES
    assert 0 < messages <= MOST_MESSAGES


def test_a_worker_may_be_up_before_the_tables(make_service: ServiceMaker, tmp_path: Path) -> None:
    service = make_service(WORKER_ALIVE_FILE=str(tmp_path / "alive"), **NO_SWEEP)
    (tmp_path / "app.db").unlink(missing_ok=True)
    service.start_command("broker")
    service.start_command("worker")
    wait_until((tmp_path / "alive").exists, "the worker")
    service.start_command("web")
    wait_until(service.is_ready, "the API")
    service.wait_for(service.submit(), "succeeded")
    assert "Traceback" not in service.log.read_text()


def test_a_worker_that_starts_looks_without_being_told(make_service: ServiceMaker) -> None:
    service = make_service(JOB_WORKERS="1", **NO_SWEEP)
    service.start_command("broker")
    service.start_command("web")
    wait_until(service.is_ready, "the API")
    # Longer than a look goes on.
    jobs = [service.submit("stuck_in_c", seconds=1.2) for _ in range(3)]
    # All of them: one that comes later would wake the worker.
    wait_until(lambda: len(kept(service)) >= COPIES * len(jobs), "messages")
    if GIVEN:
        forget(GIVEN, service.environment["QUEUE_PREFIX"])
    else:
        embedded: Broker = _embedded(service)
        embedded.forget()
    service.start_command("worker")
    for job in jobs:
        service.wait_for(job, "succeeded")


def _embedded(service: Service) -> Broker:
    from offload.queue_strategies.brokers import EmbeddedBroker

    return EmbeddedBroker(service)

"""A worker that is told to stop: it takes nothing new, hands on what runs, and makes no noise."""

import os
import signal
from pathlib import Path

import psutil
import pytest

from offload.queue_strategies.brokers import (
    ENGINE,
    forget,
    is_redis,
    open_channel,
    queue_of,
    url_of,
)
from offload.service import LONG_LEASE, Service, ServiceMaker, wait_until


def engine_of(service: Service) -> psutil.Process:
    """The first process of Celery or Dramatiq: it leads a group of its own."""
    leaders = [found for found in service.processes() if os.getpgid(found.pid) == found.pid]
    return next(one for one in leaders if ENGINE in {Path(a).name for a in one.cmdline()[:2]})


def test_no_way_of_stopping_a_worker_holds_up_a_job(make_service: ServiceMaker) -> None:
    with make_service(JOB_WORKERS="1", **LONG_LEASE) as service:
        worker = "worker"
        for how in (signal.SIGTERM, signal.SIGHUP):
            busy = service.submit("held")
            service.wait_for(busy, "running")
            waiting = [service.submit() for _ in range(3)]
            service.start_command("worker", another=f"after {how.name}")
            for job in waiting:  # the other worker has no need of the first one's messages
                service.wait_for(job, "succeeded")
            service.send(how, worker)
            service.wait_until_ended(worker)
            service.let_go()
            assert service.wait_for(busy, "succeeded")["attempts"] == 1
            worker = f"after {how.name}"
        interrupt_in_its_own_terminal(service)
        # Now all of them, while nothing runs.
        service.send_to_group(signal.SIGINT)
        service.wait_until_ended()
        wait_until(lambda: not service.processes(), "no process to be left")
        log = service.log.read_text()
        assert "Traceback" not in log
        assert "Restarting consumer" not in log  # by which Dramatiq sleeps, and the end waits


def interrupt_in_its_own_terminal(service: Service) -> None:
    """Ctrl-C for Celery or Dramatiq itself: the launcher starts the worker again."""
    job = service.submit("held")
    service.wait_for(job, "running")
    os.killpg(engine_of(service).pid, signal.SIGINT)
    service.wait_until_run(job, times=2)
    service.let_go()
    assert service.wait_for(job, "succeeded")["attempts"] == 1


def test_a_queue_that_is_made_in_another_way_is_told(make_service: ServiceMaker) -> None:
    service = make_service()
    if not is_redis(url := url_of(service)):
        service.start()
        service.kill()
        forget(url, service.environment["QUEUE_PREFIX"])
        channel = open_channel(url)
        channel.queue_declare(queue_of(service), durable=True, auto_delete=False)
        channel.connection.close()
        service.start_command("web")
        wait_until(service.is_ready, "the API")
        service.submit()
        wait_until(lambda: "PRECONDITION_FAILED" in service.http.get("/health/ready").text, "why")
        assert service.is_ready()
    else:
        pytest.skip("Redis refuses nobody a name")

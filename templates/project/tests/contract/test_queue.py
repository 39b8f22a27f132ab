"""What a queue between the API and its workers must survive."""

import os
import random
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from redis import Redis

from app.broker import ALIVE_SECONDS
from broker import GIVEN, Broker
from fault import Fault
from service import LONG_LEASE, Service, ServiceMaker, wait_until

BreakableMaker = Callable[..., tuple[Service, Broker]]
SOON = 3  # seconds: an answer that waited for a broker would take longer

ENGINES = {"celery", "dramatiq"}
# What a dead worker held in its hands, the broker keeps to itself for longer than any test lasts.
RING_SOON = {"RING_AGAIN_SECONDS": "2"}
ONE_WORKER = {"JOB_WORKERS": "1"}


def engines_of(service: Service) -> list[psutil.Process]:
    """The first processes of Celery or Dramatiq: each leads a group, and started the others."""
    leaders = [found for found in service.processes() if os.getpgid(found.pid) == found.pid]
    return [found for found in leaders if ENGINES & {Path(a).name for a in found.cmdline()[:2]}]


def victim(service: Service) -> psutil.Process:
    """Any process of the worker's."""
    engine = wait_until(lambda: engines_of(service), "the worker to be back")[0]
    return random.choice([engine, *engine.children(recursive=True)])


def kept(service: Service) -> list[str]:
    """All that Redis keeps for the service's queue."""
    url = GIVEN or (service.folder / "data" / "broker" / "url").read_text()
    if not url.startswith("redis"):
        pytest.skip("RabbitMQ does not show what it keeps")
    with Redis.from_url(url, decode_responses=True) as redis:
        keys = list(redis.scan_iter(f"{service.environment['QUEUE_NAME']}:*"))
        return [text for key in keys for text in _read(redis, key)]


def _read(redis: Redis, key: str) -> list[str]:
    match redis.type(key):
        case "list":
            return list(redis.lrange(key, 0, -1))
        case "hash":
            return list(redis.hvals(key))
        case "set":
            return list(redis.smembers(key))
        case "zset":
            return list(redis.zrange(key, 0, -1))
        case _:
            return [str(redis.get(key))]


def test_a_report_whose_process_is_killed_runs_again_and_no_other_notices(
    make_service: ServiceMaker,
) -> None:
    with make_service() as service:
        dataset = service.put_nile()
        other = service.submit(dataset, seed=Fault.HELD)
        service.wait_for(other, "running")
        report = service.submit(dataset, seed=Fault.KILLED_ONCE)
        assert service.wait_for(report, "succeeded")["attempts"] == 2
        service.let_go()
        assert service.wait_for(other, "succeeded")["attempts"] == 1


def test_a_worker_that_is_killed_as_a_whole_leaves_its_report_to_another(
    make_service: ServiceMaker,
) -> None:
    with make_service(**RING_SOON, **ONE_WORKER) as service:
        dataset = service.put_nile()
        report = service.submit(dataset, seed=Fault.HELD)
        service.wait_for(report, "running")
        waiting = [service.submit(dataset) for _ in range(3)]
        service.kill("worker")
        service.let_go()
        service.start_command("worker")
        assert service.wait_for(report, "succeeded")["attempts"] == 2
        for each in waiting:
            assert service.wait_for(each, "succeeded")["attempts"] == 1


def test_a_worker_whose_first_process_is_killed_is_back_without_a_person(
    make_service: ServiceMaker,
) -> None:
    with make_service(**RING_SOON) as service:
        dataset = service.put_nile()
        report = service.submit(dataset, seed=Fault.HELD)
        service.wait_for(report, "running")
        engines_of(service)[0].kill()
        service.let_go()
        assert service.wait_for(report, "succeeded")["attempts"] == 2


@pytest.mark.parametrize("way", ["stop", "freeze"])
def test_nobody_waits_for_a_broker_that_is_away(make_breakable: BreakableMaker, way: str) -> None:
    service, broker = make_breakable()
    with service:
        dataset = service.put_nile()
        service.wait_for(service.submit(dataset), "succeeded")
        service.http.timeout = SOON
        broker.stop() if way == "stop" else broker.freeze()
        reports = [service.submit(dataset) for _ in range(5)]
        for _ in range(50):
            assert service.http.get("/health/live").status_code == 200
        assert {service.report(report)["status"] for report in reports} == {"queued"}
        service.http.timeout = 90
        assert list(service.http.get("/health/ready").json()["down"]) == ["broker"]
        broker.start() if way == "stop" else broker.thaw()
        for report in reports:
            assert service.wait_for(report, "succeeded")["attempts"] == 1


def test_an_idle_worker_finds_its_broker_again(make_breakable: BreakableMaker) -> None:
    service, broker = make_breakable()
    with service:
        dataset = service.put_nile()
        service.wait_for(service.submit(dataset), "succeeded")
        broker.stop()
        broker.start()
        service.wait_for(service.submit(dataset), "succeeded")


def test_a_busy_worker_finds_its_broker_again(make_breakable: BreakableMaker) -> None:
    service, broker = make_breakable()
    with service:
        dataset = service.put_nile()
        busy = service.submit(dataset, seed=Fault.HELD)
        service.wait_for(busy, "running")
        broker.stop()
        wait_until(lambda: not service.is_ready(), "everybody to have missed it")
        broker.start()
        service.wait_for(service.submit(dataset), "succeeded")
        service.let_go()
        assert service.wait_for(busy, "succeeded")["attempts"] == 1
        assert len(service.runs(Fault.HELD)) == 1
        assert '"restarting"' not in service.log.read_text()
        assert len(service.pdfs()) == 2


def test_a_worker_whose_broker_is_away_shows_that_it_lives(
    make_breakable: BreakableMaker, tmp_path: Path
) -> None:
    alive = tmp_path / "alive"
    service, broker = make_breakable(WORKER_ALIVE_FILE=str(alive))
    with service:
        wait_until(alive.exists, "the worker to show that it lives")
        broker.stop()
        away_since = time.time()
        wait_until(lambda: alive.stat().st_mtime > away_since + ALIVE_SECONDS, "a sign of life")


def test_a_broker_that_loses_everything_loses_no_report(make_breakable: BreakableMaker) -> None:
    service, broker = make_breakable(**RING_SOON)
    with service:
        dataset = service.put_nile()
        service.kill("worker")
        reports = [service.submit(dataset) for _ in range(20)]
        wait_until(lambda: service.log.read_text().count('"rung"') >= 20, "all to be rung for")
        broker.forget()
        service.start_command("worker")
        for report in reports:
            assert service.wait_for(report, "succeeded")["attempts"] == 1


def test_a_message_that_comes_to_two_workers_many_times_is_one_run(
    make_service: ServiceMaker,
) -> None:
    with make_service(RING_AGAIN_SECONDS="0.2", **LONG_LEASE) as service:
        dataset = service.put_nile()
        service.kill("worker")
        report = service.submit(dataset, seed=Fault.HELD)
        wait_until(lambda: service.log.read_text().count('"rung"') >= 5, "five doorbells")
        service.start_command("worker")
        service.start_command("worker", another="worker 2")
        service.wait_for(report, "running")
        # What runs after it has come after the other messages, which found nothing to do.
        service.wait_for(service.submit(dataset), "succeeded")
        service.let_go()
        assert service.wait_for(report, "succeeded")["attempts"] == 1
        assert len(service.runs(Fault.HELD)) == 1
        assert len(service.pdfs()) == 2
        assert '"restarting"' not in service.log.read_text()


def test_a_worker_that_is_told_to_stop_hands_its_report_on(make_service: ServiceMaker) -> None:
    with make_service(**LONG_LEASE) as service:
        report = service.submit(service.put_nile(), seed=Fault.HELD)
        service.wait_for(report, "running")
        service.stop(signal.SIGTERM, "worker")
        service.let_go()
        service.start_command("worker")
        assert service.wait_for(report, "succeeded")["attempts"] == 1
        assert len(service.runs(Fault.HELD)) == 2


def test_a_worker_that_is_told_to_stop_lets_its_report_end_within_the_grace_period(
    make_service: ServiceMaker,
) -> None:
    with make_service(SHUTDOWN_GRACE_SECONDS="60") as service:
        report = service.submit(service.put_nile(), seed=Fault.HELD)
        service.wait_for(report, "running")
        service.send(signal.SIGTERM, "worker")
        wait_until(lambda: "worker_stops" in service.log.read_text(), "the worker to hear of it")
        service.let_go()
        service.wait_until_ended("worker")
        assert service.wait_for(report, "succeeded")["attempts"] == 1
        assert len(service.runs(Fault.HELD)) == 1


@pytest.mark.parametrize("how", ["deadline", "cancel"])
def test_a_process_stuck_in_c_is_killed(make_service: ServiceMaker, how: str) -> None:
    deadline = "6" if how == "deadline" else "600"
    with make_service(**ONE_WORKER, JOB_DEADLINE_SECONDS=deadline) as service:
        dataset = service.put_nile()
        report = service.submit(dataset, seed=Fault.STUCK_IN_C)
        wait_until(lambda: service.runs(Fault.STUCK_IN_C), "the computation to begin")
        if how == "cancel":
            service.http.post(f"/reports/{report['id']}/cancel")
        ended = service.wait_for(report, "failed" if how == "deadline" else "cancelled")
        assert how == "cancel" or ended["error"]["code"] == "deadline_exceeded"
        service.wait_for(service.submit(dataset), "succeeded")
        assert not psutil.pid_exists(service.runs(Fault.STUCK_IN_C)[0])


def test_only_the_id_travels_and_nothing_stays(make_service: ServiceMaker) -> None:
    with make_service() as service:
        dataset = service.put_nile()
        service.wait_for(service.submit(dataset), "succeeded")
        idle = len(kept(service))
        for report in [service.submit(dataset) for _ in range(20)]:
            service.wait_for(report, "succeeded")
        wait_until(lambda: len(kept(service)) == idle, "nothing to be left of the reports")
        service.kill("worker")
        service.submit(dataset)
        wait_until(lambda: len(kept(service)) > idle, "the message")
        assert max(map(len, kept(service))) <= 1024


def wait_for_pdfs(service: Service, number: int) -> None:
    """Wait until there are so many, however slowly they become more."""
    while (found := len(service.pdfs())) < number:
        wait_until(lambda found=found: len(service.pdfs()) > found, "work to be done")


def test_many_reports_and_workers_that_are_killed_at_random(make_service: ServiceMaker) -> None:
    with make_service(MAX_QUEUED="2000", RING_AGAIN_SECONDS="5") as service:
        dataset = service.put_nile()
        with ThreadPoolExecutor(20) as clients:
            submits = [
                clients.submit(service.submit, dataset, seed=seed, resamples=1)
                for seed in range(1000)
            ]
            for kills in range(1, 6):
                wait_for_pdfs(service, kills * random.randint(100, 160))
                victim(service).kill()
            reports = [submit.result() for submit in submits]
        assert len({report["id"] for report in reports}) == 1000
        wait_for_pdfs(service, 1000)
        for report in reports:
            service.wait_for(report, "succeeded")
            assert service.http.get(f"/reports/{report['id']}/pdf").status_code == 200

"""What goes wrong, for real, and what must hold all the same."""

import signal
import time
from typing import Any

import httpx
import pytest

from fault import Fault
from service import (
    COMMANDS,
    ENDED,
    LONG_LEASE,
    Service,
    ServiceMaker,
    database_away,
    wait_until,
)

AWAY_SECONDS = 12  # longer than a lease of the tests, and than a new janitor's patience


def test_a_long_computation_does_not_hold_up_the_loop(service: Service) -> None:
    report = service.submit(service.put_nile(), resamples=1_000_000)
    service.wait_for(report, "running")
    for _ in range(50):
        assert service.http.get("/health/live").status_code == 200
    # Had the loop stood still, the first answer would have come when this was over.
    assert service.report(report)["status"] == "running"
    service.http.post(f"/reports/{report['id']}/cancel")
    service.wait_for(report, "cancelled")


def test_waiting_reports_do_not_take_the_threads_of_def_routes(make_service: ServiceMaker) -> None:
    with make_service() as service:
        dataset = service.put_nile()
        reports = [service.submit(dataset, seed=Fault.HELD) for _ in range(60)]
        assert service.http.get("/datasets").status_code == 200  # a plain `def` route
        assert not any(service.report(report)["status"] in ENDED for report in reports)


def test_busy_threads_hold_up_nobody_but_def_routes(
    make_service: ServiceMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(COMMANDS, "web", COMMANDS["web"].replace("app.main:app", "planted:app"))
    with make_service() as service:
        dataset = service.put_nile()
        failed = service.wait_for(service.submit(dataset, seed=Fault.BROKEN), "failed")
        assert service.http.post("/planted/threads-busy").status_code == 200
        report = service.wait_for(service.submit(dataset), "succeeded")
        for path in ("/reports", f"/reports/{report['id']}/pdf", f"/reports/{report['id']}/events"):
            assert service.http.get(path).status_code == 200
        with service.http.stream("GET", "/reports/events") as answer:
            assert answer.status_code == 200
        assert service.http.post(f"/reports/{failed['id']}/retry").status_code == 202
        assert service.is_ready()


def test_progress_is_seen_while_a_report_runs(service: Service) -> None:
    report = service.submit(service.put_nile(), resamples=1_000_000)
    wait_until(lambda: 0 < service.report(report)["progress"] < 1, "progress")
    service.http.post(f"/reports/{report['id']}/cancel")
    service.wait_for(report, "cancelled")


@pytest.mark.parametrize("fault", [Fault.TRANSIENT_ONCE, Fault.UNPICKLABLE_ONCE])
def test_a_transient_error_is_tried_again(make_service: ServiceMaker, fault: Fault) -> None:
    with make_service(**LONG_LEASE) as service:
        report = service.submit(service.put_nile(), seed=fault)
        assert service.wait_for(report, "succeeded")["attempts"] == 2


def test_a_transient_error_that_stays_ends_the_report(make_service: ServiceMaker) -> None:
    with make_service(**LONG_LEASE) as service:
        report = service.submit(service.put_nile(), seed=Fault.TRANSIENT)
        ended = service.wait_for(report, "failed")
        assert ended["error"]["code"] == "transient_error"
        assert ended["attempts"] == len(service.runs(Fault.TRANSIENT)) == 3


@pytest.mark.parametrize(
    ("fault", "workers"),
    [(Fault.HELD, "1"), (Fault.STUCK_IN_C, "2")],  # a thread that is stuck in C keeps its place
)
def test_the_deadline_ends_a_report(make_service: ServiceMaker, fault: Fault, workers: str) -> None:
    with make_service(JOB_DEADLINE_SECONDS="6", JOB_WORKERS=workers) as service:
        dataset = service.put_nile()
        ended = service.wait_for(service.submit(dataset, seed=fault), "failed")
        assert ended["error"]["code"] == "deadline_exceeded"
        assert len(service.runs(fault)) == 1
        service.wait_for(service.submit(dataset), "succeeded")


def test_nothing_is_lost_when_the_service_is_killed(make_service: ServiceMaker) -> None:
    with make_service(JOB_WORKERS="1") as service:
        dataset = service.put_nile()
        running = service.submit(dataset, seed=Fault.HELD)
        service.wait_for(running, "running")
        waiting = [service.submit(dataset) for _ in range(3)]
        service.kill()
        service.let_go()
        service.start()
        assert service.wait_for(running, "succeeded")["attempts"] == 2
        for report in waiting:
            assert service.wait_for(report, "succeeded")["attempts"] == 1
        assert len(service.pdfs()) == 4


def test_a_report_that_kills_its_process_each_time_is_given_up(make_service: ServiceMaker) -> None:
    with make_service() as service:
        dataset = service.put_nile()
        body = {"dataset": dataset, "title": "poison", "seed": Fault.KILLED}

        def look() -> dict[str, Any] | None:
            report = _post_until_answered(service, body)
            return report if report["status"] in ENDED else None

        ended = wait_until(look, "the report to end")
        assert ended["status"] == "failed"
        assert ended["error"]["code"] == "worker_lost"
        assert ended["attempts"] == len(service.runs(Fault.KILLED)) == 3
        service.wait_for(service.submit(dataset), "succeeded")


def _post_until_answered(service: Service, body: dict[str, Any]) -> dict[str, Any]:
    """The report, as a client gets it that repeats its request while the service is restarted."""
    while True:
        try:
            answer = service.http.post("/reports", json=body, headers={"Idempotency-Key": "k"})
            return dict(answer.json())
        except httpx.TransportError:
            service.kill()
            service.start()


@pytest.mark.parametrize("options", ["", "--workers 2", "--reload"])
def test_sigterm_interrupts_and_leaves_nothing_behind(
    make_service: ServiceMaker, options: str
) -> None:
    service = make_service()
    service.start(options)
    report = service.submit(service.put_nile(), seed=Fault.HELD)
    service.wait_for(report, "running")
    service.stop()  # the report would run for ever
    service.wait_until_gone()
    service.let_go()
    service.start(options)
    # Stopping the service is not the report's fault: its first attempt does not count.
    assert service.wait_for(report, "succeeded")["attempts"] == 1


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_report_stuck_in_c_does_not_hold_up_the_end_and_goes_back(
    make_service: ServiceMaker, how: signal.Signals
) -> None:
    service = make_service(**LONG_LEASE)
    service.start()
    report = service.submit(service.put_nile(), seed=Fault.STUCK_IN_C)
    wait_until(lambda: service.runs(Fault.STUCK_IN_C), "the computation to begin")
    service.stop(how)
    service.wait_until_gone()
    service.start()
    wait_until(lambda: len(service.runs(Fault.STUCK_IN_C)) == 2, "it to run again")
    assert service.report(report)["attempts"] == 1


def test_a_report_that_can_end_within_the_grace_period_does(make_service: ServiceMaker) -> None:
    service = make_service(SHUTDOWN_GRACE_SECONDS="60")
    service.start()
    report = service.submit(service.put_nile(), seed=Fault.HELD)
    service.wait_for(report, "running")
    service.send(signal.SIGTERM)
    wait_until(lambda: service.status("/health/live") is None, "the port to be closed")
    service.let_go()
    service.wait_until_ended()
    service.start()
    assert service.wait_for(report, "succeeded")["attempts"] == 1
    assert len(service.runs(Fault.HELD)) == 1


LOGGED = {
    Fault.BROKEN: "a secret in /etc/secret",
    Fault.EXITS: "SystemExit",
    Fault.WRONG_PROGRESS: "from 0 to 1, not 50",
}


@pytest.mark.parametrize("fault", LOGGED)
def test_an_unexpected_error_ends_the_report_and_tells_nothing(
    service: Service, fault: Fault
) -> None:
    dataset = service.put_nile()
    report = service.wait_for(service.submit(dataset, seed=fault), "failed")
    assert report["error"]["code"] == "computation_failed"
    assert report["attempts"] == 1
    assert "secret" not in str(report)
    assert "Traceback" not in str(report)
    assert LOGGED[fault] in service.log.read_text()
    service.wait_for(service.submit(dataset), "succeeded")
    assert service.http.get("/reports").status_code == 200


def test_a_database_that_is_away_for_longer_than_a_lease_costs_no_attempt(
    make_service: ServiceMaker,
) -> None:
    with make_service() as service:
        dataset = service.put_nile()
        running = [service.submit(dataset, seed=Fault.HELD) for _ in range(2)]
        for report in running:
            service.wait_for(report, "running")
        waiting = [service.submit(dataset) for _ in range(5)]
        with database_away(service.database_url):
            time.sleep(AWAY_SECONDS)
        service.let_go()
        for report in (*running, *waiting):
            assert service.wait_for(report, "succeeded")["attempts"] == 1
        assert len(service.runs(Fault.HELD)) == 2


def test_readiness_names_what_is_down(make_service: ServiceMaker) -> None:
    nobody_listens = "postgresql+psycopg://127.0.0.1:1/nothing"
    service = make_service(DATABASE_URL=nobody_listens, MIGRATE_ON_START="false")
    service.start(until=lambda: service.status("/health/live") == 200)
    answer = service.http.get("/health/ready")
    assert answer.status_code == 503
    assert list(answer.json()["down"]) == ["database"]


def test_old_reports_and_their_pdfs_are_deleted(make_service: ServiceMaker) -> None:
    with make_service(RETENTION_DAYS="0.0001") as service:  # 8.6 s
        report = service.submit(service.put_nile())
        wait_until(service.pdfs, "the PDF")
        gone = wait_until(
            lambda: service.http.get(f"/reports/{report['id']}").status_code == 404, "the end"
        )
        assert gone and service.pdfs() == []

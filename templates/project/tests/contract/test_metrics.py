"""What can be seen of the service: metrics, the lines of a request, the spans of a trace."""

import gzip
import json
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpx
import psutil
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from prometheus_client.parser import text_string_to_metric_families

from fault import Fault
from receiver import Receiver
from service import COMMANDS, LIMIT_SECONDS, Service, private_database, wait_until

STATUSES = ("queued", "running", "succeeded", "failed", "cancelled")
OURS = {"X-Request-ID": "from-the-caller-1"}


@pytest.fixture(scope="module")
def collector() -> Iterator[Receiver]:
    """Takes the spans that are exported."""
    with Receiver() as listening:
        listening.answers["/v1/traces"] = accept
        yield listening


def accept(handler: BaseHTTPRequestHandler) -> None:
    """Answer as a collector that has taken everything."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/x-protobuf")
    handler.send_header("Content-Length", "0")
    handler.end_headers()


@pytest.fixture(scope="module")
def seen(
    tmp_path_factory: pytest.TempPathFactory,
    own_settings: Callable[[], dict[str, str]],
    collector: Receiver,
) -> Iterator[Service]:
    """The service with two web processes, each of which is asked in turn or by chance."""
    folder = tmp_path_factory.mktemp("seen")
    settings = own_settings() | {
        "JOB_WORKERS": "1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_SERVICE_NAME": "reports",
    }
    web = COMMANDS["web"].replace("app.main:app", "planted:app")
    with pytest.MonkeyPatch.context() as patch, private_database(folder) as url:
        patch.setitem(COMMANDS, "web", web)
        running = Service(folder, url, **settings)
        try:
            yield running.start("--workers 2")
        finally:
            running.__exit__()


Metrics = dict[str, list[tuple[dict[str, str], float]]]


def metrics(service: Service) -> Metrics:
    """The samples by name, from one process or another."""
    service.http.close()  # a new connection may lead to another process
    service.http = httpx.Client(base_url=service.http.base_url, timeout=LIMIT_SECONDS)
    found: Metrics = defaultdict(list)
    for family in text_string_to_metric_families(service.http.get("/metrics").text):
        for sample in family.samples:
            found[sample.name].append((sample.labels, sample.value))
    return found


def total(found: Metrics, name: str, **labels: str) -> float:
    """The sum of the samples with these labels among theirs."""
    return sum(value for given, value in found[name] if labels.items() <= given.items())


def test_every_process_tells_the_same_of_reports(seen: Service) -> None:
    before, dataset = metrics(seen), seen.put_nile()
    seen.wait_for(seen.submit(dataset), "succeeded")
    seen.wait_for(seen.submit(dataset, seed=Fault.BROKEN), "failed")
    held = [seen.submit(dataset, seed=Fault.HELD) for _ in range(2)]
    waiting = [seen.submit(dataset) for _ in range(3)]
    seen.wait_for(held[0], "running")
    time.sleep(0.1)  # so that the oldest is that old at least
    for _ in range(8):
        found = metrics(seen)
        assert {labels["status"] for labels, _ in found["reports"]} == set(STATUSES)
        assert total(found, "reports") - total(before, "reports") == 7
        assert total(found, "reports", status="queued") >= len(waiting)
        assert total(found, "reports_oldest_queued_seconds") >= 0.1
        for status in ("succeeded", "failed"):
            for name in ("report_run_seconds_count", "report_attempts_total"):
                labels = {"status": status}
                assert total(found, name, **labels) - total(before, name, **labels) == 1, name
    seen.let_go()
    for report in (*held, *waiting):
        seen.wait_for(report, "succeeded")
    found, done = metrics(seen), {"status": "succeeded"}
    assert total(found, "reports", status="queued") == 0
    assert total(found, "reports_oldest_queued_seconds") == 0
    name = "report_run_seconds_bucket"
    at_most = total(found, name, **done, le="+Inf") - total(before, name, **done, le="+Inf")
    assert at_most == 6


def test_the_processes_of_a_server_count_together(seen: Service) -> None:
    labels = {"method": "GET", "route": "/reports/{report_id}", "status": "404"}
    before = total(metrics(seen), "http_request_seconds_count", **labels)
    for number in range(20):
        metrics(seen)  # a new connection
        assert seen.http.get(f"/reports/{uuid.uuid4()}").status_code == 404
        found = metrics(seen)
        assert total(found, "http_request_seconds_count", **labels) == before + number + 1
    assert total(found, "event_loop_lag_seconds_count") > 0
    assert total(found, "event_loop_stalls_total") >= 0
    routes = {labels["route"] for labels, _ in found["http_request_seconds_count"]}
    assert not any(character.isdigit() for route in routes for character in route)


def test_a_process_that_dies_takes_no_count_along(seen: Service) -> None:
    labels = {"route": "/datasets/{name}", "status": "404"}
    for _ in range(20):
        metrics(seen)
        seen.http.get("/datasets/nothing")
    before = total(metrics(seen), "http_request_seconds_count", **labels)
    assert before == 20
    servers = [
        found for found in seen.processes() if "multiprocessing.spawn" in str(found.cmdline())
    ]
    assert len(servers) == 2
    servers[0].kill()
    wait_until(lambda: not psutil.pid_exists(servers[0].pid), "its end")
    wait_until(seen.is_ready, "an answer")
    assert total(metrics(seen), "http_request_seconds_count", **labels) == before


def lines(service: Service, report: dict[str, Any]) -> list[dict[str, Any]]:
    """The log lines that name a report."""
    found = service.log.read_text().splitlines()
    return [json.loads(line) for line in found if report["id"] in line and line.startswith("{")]


def submit(service: Service, headers: dict[str, str]) -> Any:
    """The answer to a request for a report."""
    body = {"dataset": service.put_nile(), "title": "x", "resamples": 10}
    return service.http.post("/reports", json=body, headers=headers)


def test_one_id_from_the_request_to_the_end_of_the_run(seen: Service) -> None:
    answer = submit(seen, OURS)
    assert answer.headers["x-request-id"] == OURS["X-Request-ID"]
    report = seen.wait_for(answer.json(), "succeeded")
    events = {"report_accepted", "run_started", "run_succeeded"}
    wait_until(lambda: events <= {line["event"] for line in lines(seen, report)}, "the last line")
    for line in lines(seen, report):
        if line["logger"].startswith("app."):
            assert line["request_id"] == OURS["X-Request-ID"], line
            assert line["report_id"] == report["id"], line


def test_what_nobody_expected_is_named_and_counted_too(seen: Service) -> None:
    answer = seen.http.get("/planted/broken", headers={"X-Request-ID": "broken-1"})
    assert (answer.status_code, answer.headers["x-request-id"]) == (500, "broken-1")
    labels = {"route": "/planted/broken", "status": "500"}
    assert total(metrics(seen), "http_request_seconds_count", **labels) == 1
    named = [line for line in seen.log.read_text().splitlines() if "RuntimeError: planted" in line]
    assert json.loads(named[0])["request_id"] == "broken-1"


def test_methods_are_not_without_number(seen: Service) -> None:
    seen.http.request("INVENTED", "/health/live")
    methods = {labels["method"] for labels, _ in metrics(seen)["http_request_seconds_count"]}
    assert "INVENTED" not in methods


def test_a_report_that_is_run_again_names_who_asked_again(seen: Service) -> None:
    report = seen.submit(seen.put_nile(), seed=Fault.BROKEN)
    seen.wait_for(report, "failed")
    seen.http.post(f"/reports/{report['id']}/retry", headers={"X-Request-ID": "again"})
    wait_until(lambda: sum(x["event"] == "run_failed" for x in lines(seen, report)) == 2, "the end")
    failed = [line for line in lines(seen, report) if line["event"] == "run_failed"]
    assert failed[1]["request_id"] == "again" != failed[0]["request_id"]


@pytest.mark.parametrize(
    "given", ["", "two words", "x" * 129, 'quo"ted', "näh".encode().decode("latin-1")]
)
def test_an_id_that_will_not_do_is_replaced(seen: Service, given: str) -> None:
    answer = seen.http.get("/health/live", headers={"X-Request-ID": given.encode("latin-1")})
    assert answer.headers["x-request-id"] not in ("", given)


def spans(collector: Receiver) -> list[Span]:
    """The spans that were exported so far."""
    found = []
    for request in collector.received("/v1/traces"):
        packed = request.headers.get("Content-Encoding") == "gzip"
        body = gzip.decompress(request.body) if packed else request.body
        exported = ExportTraceServiceRequest.FromString(body)
        found += [
            s for r in exported.resource_spans for scope in r.scope_spans for s in scope.spans
        ]
    return found


def test_one_trace_shows_request_wait_and_run(seen: Service, collector: Receiver) -> None:
    trace_id, parent = uuid.uuid4(), "00f067aa0ba902b7"
    answer = submit(seen, {"traceparent": f"00-{trace_id.hex}-{parent}-01"})
    report = seen.wait_for(answer.json(), "succeeded")

    def look() -> dict[str, Span]:
        mine = {s.name: s for s in spans(collector) if s.trace_id == trace_id.bytes}
        return mine if {"POST /reports", "wait", "run"} <= mine.keys() else {}

    found = wait_until(look, "the spans")
    request, wait, run = (found[name] for name in ("POST /reports", "wait", "run"))
    assert request.parent_span_id.hex() == parent
    assert {wait.trace_id, run.trace_id} == {request.trace_id}
    within = {s.span_id for s in found.values()}
    assert wait.parent_span_id in within and run.parent_span_id in within
    assert wait.start_time_unix_nano <= wait.end_time_unix_nano <= run.start_time_unix_nano
    values = {a.key: a.value for a in run.attributes}
    assert values["report.id"].string_value == report["id"]

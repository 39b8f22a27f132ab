"""Reports from POST to PDF, and what is refused."""

import base64
import io
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from pypdf import PdfReader

from fault import Fault
from service import LONG_LEASE, Service, ServiceMaker, wait_until


def test_from_csv_to_pdf(service: Service) -> None:
    body = {"dataset": service.put_nile(), "title": "Żółw — Νείλος — Нил", "seed": 7}
    answer = service.http.post("/reports", json=body)
    asked = answer.json()
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/reports/{asked['id']}"
    assert int(answer.headers["retry-after"]) > 0
    assert answer.headers["cache-control"] == "no-store"

    report = service.wait_for(asked, "succeeded")
    assert report["result"]["mean"] == pytest.approx(919.35)
    assert report["progress"] == 1.0
    assert report["attempts"] == 1
    assert report["error"] is None
    assert report["created_at"] <= report["started_at"] <= report["finished_at"]

    answer = service.http.get(f"/reports/{report['id']}/pdf")
    assert answer.headers["content-type"] == "application/pdf"
    pages = PdfReader(io.BytesIO(answer.content)).pages
    assert body["title"] in pages[0].extract_text()


def test_a_pdf_that_the_store_has_lost_is_gone(service: Service) -> None:
    report = service.wait_for(service.submit(service.put_nile()), "succeeded")
    for pdf in service.pdfs():
        if report["id"] in pdf.parts:
            pdf.unlink()
    answer = service.http.get(f"/reports/{report['id']}/pdf")
    assert answer.status_code == 410
    assert "gone" in answer.json()["detail"]


def test_the_same_seed_gives_the_same_result(service: Service) -> None:
    dataset = service.put_nile()
    first, second, other = (
        service.wait_for(service.submit(dataset, seed=seed), "succeeded")["result"]
        for seed in (5, 5, 6)
    )
    assert first == second != other


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"title": ""}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"title": "two\nlines"}, "title"),
        ({"title": "nothing\0more"}, "title"),
        ({"resamples": 0}, "resamples"),
        ({"resamples": 1_000_001}, "resamples"),
        ({"resamples": "many"}, "resamples"),
        ({"seed": -1}, "seed"),
        ({"dataset": "../etc"}, "dataset"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_bad_body_is_refused(service: Service, changes: dict[str, Any], words: str) -> None:
    body = {"dataset": "nile", "title": "x", **changes}
    answer = service.http.post("/reports", json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert words in answer.json()["detail"]


def test_what_is_not_json_is_refused(service: Service) -> None:
    answer = service.http.post(
        "/reports", content=b"{", headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 422


def test_a_body_too_long_is_refused(service: Service) -> None:
    answer = service.http.post("/reports", json={"title": "x" * 70_000})
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"


def test_an_unknown_dataset(service: Service) -> None:
    answer = service.http.post("/reports", json={"dataset": "nothing", "title": "x"})
    assert answer.status_code == 404
    assert answer.json()["detail"] == "There is no dataset nothing."


@pytest.mark.parametrize(
    ("method", "path"), [("GET", ""), ("GET", "/pdf"), ("POST", "/cancel"), ("POST", "/retry")]
)
def test_an_unknown_report(service: Service, method: str, path: str) -> None:
    answer = service.http.request(method, f"/reports/{uuid.uuid4()}{path}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert service.http.request(method, f"/reports/7{path}").status_code == 422


def test_unknown_paths_and_methods_are_problems_too(service: Service) -> None:
    for method, path, status in (("GET", "/nothing", 404), ("DELETE", "/reports", 405)):
        answer = service.http.request(method, path)
        assert answer.status_code == status
        assert answer.json()["status"] == status


def test_pages_are_newest_first_and_whole(service: Service) -> None:
    dataset = service.put_nile()
    asked = [service.submit(dataset, resamples=1)["id"] for _ in range(5)]
    found: list[str] = []
    cursor = ""
    while len(found) < 5:
        query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = service.http.get("/reports", params=query).json()
        found += [report["id"] for report in page["items"]]
        cursor = page["next_cursor"]
    assert found[:5] == asked[::-1]


def test_the_last_page_has_no_cursor(make_service: ServiceMaker) -> None:
    with make_service() as service:
        assert service.http.get("/reports").json() == {"items": [], "next_cursor": None}
        dataset = service.put_nile()
        for _ in range(2):
            service.wait_for(service.submit(dataset), "succeeded")
        page = service.http.get("/reports", params={"limit": "2", "status": "succeeded"}).json()
        assert len(page["items"]) == 2 and page["next_cursor"] is None
        assert service.http.get("/reports", params={"status": "failed"}).json()["items"] == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"),
        ("limit", "101"),
        ("status", "done"),
        ("cursor", "!"),
        ("cursor", "eA"),
        ("cursor", base64.urlsafe_b64encode(f"0001-01-01T00:00+23:00 {uuid.UUID(int=0)}".encode())),
    ],
)
def test_a_bad_page_is_refused(service: Service, name: str, value: str) -> None:
    answer = service.http.get("/reports", params={name: value})
    assert answer.status_code == 422
    assert name in answer.json()["detail"]


class TestIdempotency:
    def test_the_same_key_gives_the_same_report(self, service: Service) -> None:
        body = {"dataset": service.put_nile(), "title": "once", "resamples": 100}
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        first = service.http.post("/reports", json=body, headers=headers)
        service.wait_for(first.json(), "succeeded")
        second = service.http.post("/reports", json=body, headers=headers)
        assert second.status_code == 202
        assert second.json()["id"] == first.json()["id"]
        assert second.headers["idempotency-replayed"] == "true"
        assert "idempotency-replayed" not in first.headers

    def test_another_body_is_refused(self, service: Service) -> None:
        body = {"dataset": service.put_nile(), "title": "once", "resamples": 100}
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        service.http.post("/reports", json=body, headers=headers)
        answer = service.http.post("/reports", json=body | {"title": "two"}, headers=headers)
        assert answer.status_code == 409

    def test_twenty_at_once_are_one_row_and_one_run(self, make_service: ServiceMaker) -> None:
        with make_service() as service:
            body = {"dataset": service.put_nile(), "title": "x", "seed": Fault.HELD}
            headers = {"Idempotency-Key": "k"}

            def post(number: int) -> httpx.Response:
                answer = service.http.post("/reports", json=body, headers=headers)
                # On a busy machine a lock may be waited for in vain: "come again", it says.
                return post(number) if answer.status_code == 503 else answer

            with ThreadPoolExecutor(20) as pool:
                answers = list(pool.map(post, range(20)))
            assert {answer.status_code for answer in answers} == {202}
            assert len({answer.json()["id"] for answer in answers}) == 1
            assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
            service.let_go()
            report = service.wait_for(answers[0].json(), "succeeded")
            assert report["attempts"] == 1
            assert len(service.http.get("/reports").json()["items"]) == 1
            assert len(service.runs(Fault.HELD)) == 1


class TestBackpressure:
    def test_as_many_as_allowed_wait_and_not_one_more(self, make_service: ServiceMaker) -> None:
        with make_service(JOB_WORKERS="1", MAX_QUEUED="5") as service:
            dataset = service.put_nile()
            running = service.submit(dataset, seed=Fault.HELD)
            service.wait_for(running, "running")
            body = {"dataset": dataset, "title": "x", "resamples": 10}

            def post(number: int) -> httpx.Response:
                return service.http.post("/reports", json=body)

            with ThreadPoolExecutor(20) as pool:
                answers = list(pool.map(post, range(20)))
            statuses = [answer.status_code for answer in answers]
            assert (statuses.count(202), statuses.count(429)) == (5, 15)
            refused = next(answer for answer in answers if answer.status_code == 429)
            assert int(refused.headers["retry-after"]) > 0
            assert refused.headers["content-type"] == "application/problem+json"
            service.let_go()
            for answer in answers:
                if answer.status_code == 202:
                    service.wait_for(answer.json(), "succeeded")
            assert service.http.post("/reports", json=body).status_code == 202


class TestCancel:
    def test_a_running_report_stops_and_makes_room(self, make_service: ServiceMaker) -> None:
        with make_service(JOB_WORKERS="1", SWEEP_SECONDS="600") as service:  # without a janitor
            dataset = service.put_nile()
            report = service.submit(dataset, seed=Fault.HELD)
            service.wait_for(report, "running")
            answer = service.http.post(f"/reports/{report['id']}/cancel")
            assert answer.status_code == 202
            assert answer.json()["cancel_requested"]
            ended = service.wait_for(report, "cancelled")
            assert ended["error"] is None
            heard = '"reason": "Cancelled"'  # by the run itself
            wait_until(lambda: heard in service.log.read_text(), "the run to hear of it")
            assert service.http.get(f"/reports/{report['id']}/pdf").status_code == 409
            service.wait_for(service.submit(dataset), "succeeded")

    def test_a_report_stuck_in_c(self, make_service: ServiceMaker) -> None:
        with make_service(**LONG_LEASE) as service:
            report = service.submit(service.put_nile(), seed=Fault.STUCK_IN_C)
            wait_until(lambda: service.runs(Fault.STUCK_IN_C), "the computation to begin")
            service.http.post(f"/reports/{report['id']}/cancel")
            service.wait_for(report, "cancelled")

    def test_a_queued_report_never_starts(self, make_service: ServiceMaker) -> None:
        with make_service(JOB_WORKERS="1") as service:
            dataset = service.put_nile()
            first = service.submit(dataset, seed=Fault.HELD)
            service.wait_for(first, "running")
            second = service.submit(dataset, seed=Fault.BROKEN)
            answer = service.http.post(f"/reports/{second['id']}/cancel")
            assert answer.status_code == 202
            assert answer.json()["status"] == "cancelled"
            service.let_go()
            service.wait_for(first, "succeeded")
            service.wait_for(service.submit(dataset), "succeeded")
            assert service.report(second)["status"] == "cancelled"
            assert service.runs(Fault.BROKEN) == []

    def test_an_ended_report_is_refused(self, service: Service) -> None:
        report = service.wait_for(service.submit(service.put_nile()), "succeeded")
        answer = service.http.post(f"/reports/{report['id']}/cancel")
        assert answer.status_code == 409
        assert service.report(report) == report


class TestRetry:
    def test_a_cancelled_report_runs_again(self, make_service: ServiceMaker) -> None:
        with make_service() as service:
            report = service.submit(service.put_nile(), seed=Fault.HELD)
            service.wait_for(report, "running")
            service.http.post(f"/reports/{report['id']}/cancel")
            service.wait_for(report, "cancelled")
            service.let_go()
            answer = service.http.post(f"/reports/{report['id']}/retry")
            assert answer.status_code == 202
            ended = service.wait_for(report, "succeeded")
            assert ended["attempts"] == 1

    def test_a_report_whose_thread_is_stuck_runs_again_beside_it(
        self, make_service: ServiceMaker
    ) -> None:
        with make_service() as service:
            report = service.submit(service.put_nile(), seed=Fault.STUCK_IN_C)
            wait_until(lambda: len(service.runs(Fault.STUCK_IN_C)) == 1, "the first run")
            service.http.post(f"/reports/{report['id']}/cancel")
            service.wait_for(report, "cancelled")
            service.http.post(f"/reports/{report['id']}/retry")
            wait_until(lambda: len(service.runs(Fault.STUCK_IN_C)) == 2, "the second run")

    def test_a_report_that_succeeded_is_refused(self, service: Service) -> None:
        report = service.wait_for(service.submit(service.put_nile()), "succeeded")
        answer = service.http.post(f"/reports/{report['id']}/retry")
        assert answer.status_code == 409
        assert service.report(report) == report


class TestApiKey:
    def test_everything_but_health_needs_it(self, make_service: ServiceMaker) -> None:
        with make_service(API_KEY="secret") as service:
            for path in ("/datasets", "/metrics", "/reports", f"/reports/{uuid.uuid4()}"):
                answer = service.http.get(path)
                assert answer.status_code == 401
                assert answer.headers["www-authenticate"] == "Bearer"
                wrong = service.http.get(path, headers={"Authorization": "Bearer secrex"})
                assert wrong.status_code == 401
            right = {"Authorization": "Bearer secret"}
            assert service.http.get("/reports", headers=right).status_code == 200
            assert service.http.get("/health/live").status_code == 200
            for path in ("/openapi.json", "/docs", "/redoc", "/dev/stalls"):
                assert service.http.get(path).status_code == 404

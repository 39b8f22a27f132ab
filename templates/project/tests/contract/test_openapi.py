"""The OpenAPI document, held against what the service really answers."""

import re
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from app.schemas import ProblemOut
from fault import Fault
from service import NILE, Service, ServiceMaker

CSV = {"Content-Type": "text/csv"}
JSON = {"Content-Type": "application/json"}
REPORT = "/reports/{report_id}"
OF_A_REPORT = [
    ("GET", REPORT),
    ("GET", f"{REPORT}/pdf"),
    ("GET", f"{REPORT}/events"),
    ("POST", f"{REPORT}/cancel"),
    ("POST", f"{REPORT}/retry"),
]
ELSEWHERE = {401, 421, 503}  # of every operation, or nearly so
# An outage of the database only delays its answer; 503 is for the end of the server.
WAITS = ("GET", f"{REPORT}/events")

Operation = tuple[str, str]
"""A method and the template of a path."""


@pytest.fixture
def document(service: Service) -> dict[str, Any]:
    """The document as the service gives it."""
    return dict(service.http.get("/openapi.json").json())


def errors(document: dict[str, Any]) -> dict[Operation, set[int]]:
    """The errors that each operation may answer."""
    return {
        (method.upper(), path): {int(status) for status in one["responses"] if status >= "400"}
        for path, methods in document["paths"].items()
        for method, one in methods.items()
    }


def check(document: dict[str, Any], operation: Operation, answer: httpx.Response) -> None:
    """Hold an error against the document."""
    method, path = operation
    responses = document["paths"][path][method.lower()]["responses"]
    ((media_type, content),) = responses[str(answer.status_code)]["content"].items()
    assert answer.headers["content-type"] == media_type == "application/problem+json"
    schema = document["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
    problem = answer.json()
    assert set(schema["required"]) <= problem.keys() <= schema["properties"].keys()
    ProblemOut.model_validate(problem, strict=True)


def send(
    service: Service, operation: Operation, part: object = "nothing", **options: Any
) -> httpx.Response:
    """The answer to a request, a sound one unless options are given; a stream is not read.

    The part is what the template of the path leaves open.
    """
    method, path = operation
    sound = {"PUT": {"content": NILE, "headers": CSV}, "POST": {"json": body()}}.get(method, {})
    url = re.sub(r"{\w+}", str(part), path)
    with service.http.stream(method, url, **(options or sound)) as answer:
        if answer.is_error:
            answer.read()
        return answer


def body(**changes: Any) -> dict[str, Any]:
    """What a report is asked for with."""
    return {"dataset": "nothing", "title": "x", "resamples": 10, **changes}


def test_no_error_is_documented_as_something_else(document: dict[str, Any]) -> None:
    assert "HTTPValidationError" not in document["components"]["schemas"]
    for path, methods in document["paths"].items():
        for operation in methods.values():
            for status, response in operation["responses"].items():
                if status >= "400":
                    assert list(response["content"]) == ["application/problem+json"], path


@pytest.mark.parametrize("path", [f"{REPORT}/pdf", "/metrics"])
def test_what_is_no_json_has_its_media_type(
    service: Service, document: dict[str, Any], path: str
) -> None:
    report = service.wait_for(service.submit(service.put_nile()), "succeeded")
    answer = service.http.get(path.format(report_id=report["id"]))
    (media_type,) = document["paths"][path]["get"]["responses"]["200"]["content"]
    assert answer.headers["content-type"].partition(";")[0] == media_type


def test_every_operation_that_is_said_to_wants_the_key(
    make_service: ServiceMaker, document: dict[str, Any]
) -> None:
    with make_service(API_KEY="secret") as service:
        for operation, statuses in errors(document).items():
            answer = send(service, operation, uuid.uuid4())
            assert (answer.status_code == 401) == (401 in statuses), operation
            if 401 in statuses:
                check(document, operation, answer)


def test_every_operation_is_for_its_own_host(service: Service, document: dict[str, Any]) -> None:
    for operation in errors(document):
        answer = send(service, operation, headers={"Host": "evil.example"})
        assert answer.status_code == 421
        check(document, operation, answer)


def test_every_operation_that_is_said_to_fails_without_the_database(
    make_service: ServiceMaker, document: dict[str, Any]
) -> None:
    nobody_listens = "postgresql+psycopg://127.0.0.1:1/nothing"
    service = make_service(DATABASE_URL=nobody_listens, MIGRATE_ON_START="false")
    service.start(until=lambda: service.status("/health/live") == 200)
    for operation, statuses in errors(document).items():
        if operation == WAITS:
            continue
        answer = send(service, operation, uuid.uuid4())
        assert (answer.status_code == 503) == (503 in statuses), operation
        if 503 in statuses:
            check(document, operation, answer)


def test_what_a_caller_can_do_wrong_is_all_that_is_documented(
    make_service: ServiceMaker, document: dict[str, Any]
) -> None:
    provoked: dict[Operation, set[int]] = {operation: set() for operation in errors(document)}
    with make_service(JOB_WORKERS="1", MAX_QUEUED="1") as service:
        for operation, answer in wrong_requests(service):
            check(document, operation, answer)
            provoked[operation].add(answer.status_code)
    assert provoked == {one: codes - ELSEWHERE for one, codes in errors(document).items()}


def wrong_requests(service: Service) -> Iterator[tuple[Operation, httpx.Response]]:
    """All that a caller can do wrong, and the answers."""
    dataset, key = service.put_nile(), {"Idempotency-Key": "k"}
    done = service.http.post("/reports", json=body(dataset=dataset), headers=key).json()["id"]
    service.wait_for({"id": done}, "succeeded")
    failed = service.wait_for(service.submit(dataset, seed=Fault.BROKEN), "failed")["id"]

    def ask(
        method: str, path: str, part: object = "", **options: Any
    ) -> tuple[Operation, httpx.Response]:
        return (method, path), send(service, (method, path), part, **options)

    yield ask("PUT", "/datasets/{name}", "x", content=b"x" * 5_000_001, headers=CSV)
    yield ask("PUT", "/datasets/{name}", "x", content=NILE, headers=JSON)
    yield ask("PUT", "/datasets/{name}", "x", content=b"taken_at,value\n,\n", headers=CSV)
    yield ask("PUT", "/datasets/{name}", "-")
    yield ask("GET", "/datasets/{name}", "-")
    yield ask("GET", "/datasets/{name}", "nothing")
    yield ask("POST", "/reports", content=b'"\xff"', headers=JSON)
    yield ask("POST", "/reports", content=b"{", headers=JSON)
    yield ask("POST", "/reports", content=b" " * 70_000, headers=JSON)
    yield ask("POST", "/reports", json=body(dataset="nothing"))
    yield ask("POST", "/reports", json=body(dataset=dataset, seed=1), headers=key)
    yield ask("GET", "/reports", params={"limit": "0"})
    for method, path in OF_A_REPORT:
        yield ask(method, path, "7")
        yield ask(method, path, uuid.uuid4())
    yield ask("GET", f"{REPORT}/pdf", failed)
    for pdf in service.pdfs():
        pdf.unlink()
    yield ask("GET", f"{REPORT}/pdf", done)
    yield ask("POST", f"{REPORT}/cancel", done)
    yield ask("POST", f"{REPORT}/retry", done)
    service.wait_for(service.submit(dataset, seed=Fault.HELD), "running")
    service.submit(dataset)
    yield ask("POST", "/reports", json=body(dataset=dataset))
    yield ask("POST", f"{REPORT}/retry", failed)

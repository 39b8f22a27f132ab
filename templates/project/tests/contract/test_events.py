"""Reports followed live, as Server-Sent Events and over a WebSocket."""

import base64
import json
import signal
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from fault import Fault
from service import LIMIT_SECONDS, LONG_LEASE, Service, ServiceMaker, wait_until

KEY = "a key / with + what no header = likes"
OPEN_STREAMS = 25  # of each kind
KEEP_ALIVE = ": ping"

Event = tuple[str, dict[str, Any]]


@contextmanager
def events(service: Service, report: dict[str, Any], last: str = "") -> Iterator[Iterator[Event]]:
    """The events of a report, each its id and its data."""
    headers = {"Last-Event-ID": last} if last else {}
    with service.http.stream("GET", f"/reports/{report['id']}/events", headers=headers) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield _parse(answer.iter_lines())


def _parse(lines: Iterator[str]) -> Iterator[Event]:
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:
            yield fields.get("id", ""), json.loads(fields.pop("data"))


def open_socket(service: Service, path: str, **options: Any) -> ClientConnection:
    """A WebSocket to the service."""
    url = str(service.http.base_url.copy_with(scheme="ws")).rstrip("/")
    return connect(url + path, open_timeout=LIMIT_SECONDS, proxy=None, **options)


def states_and_close_code(socket: ClientConnection) -> tuple[list[dict[str, Any]], int]:
    """All that comes, until the server closes."""
    states = []
    try:
        while True:
            states.append(json.loads(socket.recv(LIMIT_SECONDS)))
    except ConnectionClosed as closed:
        assert closed.rcvd is not None, closed
        return states, closed.rcvd.code


@pytest.fixture(scope="module")
def quiet(service: Service) -> Iterator[httpx.Response]:
    """The stream of a report that does not move, opened before the other tests."""
    report = service.submit(service.put_nile(), seed=Fault.HELD)
    service.wait_for(report, "running")
    with service.http.stream("GET", f"/reports/{report['id']}/events") as answer:
        yield answer
    service.http.post(f"/reports/{report['id']}/cancel")
    service.wait_for(report, "cancelled")


@pytest.fixture
def held(service: Service, quiet: httpx.Response) -> Iterator[dict[str, Any]]:
    """A report that runs until it is cancelled."""
    report = service.submit(service.put_nile(), seed=Fault.HELD)
    yield service.wait_for(report, "running")
    service.http.post(f"/reports/{report['id']}/cancel")
    service.wait_for(report, "cancelled")


def test_a_report_is_followed_to_its_end(service: Service) -> None:
    report = service.submit(service.put_nile(), resamples=50_000)
    with events(service, report) as stream:
        found = list(stream)
    ids = [int(name) for name, _ in found]
    assert ids == sorted(set(ids))
    assert all(str(state["version"]) == name for name, state in found)
    progress = [state["progress"] for _, state in found]
    assert progress == sorted(progress)
    assert found[-1][1] == service.report(report)
    assert found[-1][1]["status"] == "succeeded"


def test_who_comes_back_misses_nothing_and_gets_nothing_twice(
    service: Service, held: dict[str, Any]
) -> None:
    with events(service, held) as stream:
        last, state = next(stream)
    assert state["status"] == "running"
    service.http.post(f"/reports/{held['id']}/cancel")
    service.wait_for(held, "cancelled")  # while nobody follows
    with events(service, held, last) as stream:
        (end,) = stream
    assert end[1]["status"] == "cancelled"
    answer = service.http.get(f"/reports/{held['id']}/events", headers={"Last-Event-ID": end[0]})
    assert answer.status_code == 204


def test_a_state_that_was_seen_is_not_sent_again(service: Service, held: dict[str, Any]) -> None:
    with events(service, held) as stream:
        last, _ = next(stream)
    with events(service, held, last) as stream:
        service.http.post(f"/reports/{held['id']}/cancel")
        assert last not in [name for name, _ in stream]


def test_a_socket_gets_the_same_and_is_closed_at_the_end(
    service: Service, held: dict[str, Any]
) -> None:
    with open_socket(service, f"/reports/{held['id']}/ws") as socket:
        first = json.loads(socket.recv(LIMIT_SECONDS))
        assert first["status"] == "running"
        service.http.post(f"/reports/{held['id']}/cancel")
        states, code = states_and_close_code(socket)
    assert (states[-1]["status"], code) == ("cancelled", 1000)
    with open_socket(
        service, f"/reports/{held['id']}/ws?last_event_id={states[-1]['version']}"
    ) as again:
        assert states_and_close_code(again) == ([], 1000)


def test_all_reports_are_followed_in_one_stream(service: Service) -> None:
    dataset = service.put_nile()
    with service.http.stream("GET", "/reports/events") as answer:
        stream = _parse(answer.iter_lines())
        report = service.submit(dataset)
        states = (state for _, state in stream if state["id"] == report["id"])
        assert any(state["status"] == "succeeded" for state in states)


def test_an_unknown_report_is_not_followed(service: Service) -> None:
    unknown = str(uuid.uuid4())
    answer = service.http.get(f"/reports/{unknown}/events")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    for name, status in ((unknown, 404), ("7", 422)):
        with pytest.raises(InvalidStatus) as refused, open_socket(service, f"/reports/{name}/ws"):
            pass
        assert refused.value.response.status_code == status
        assert json.loads(refused.value.response.body or b"")["status"] == status


def test_pages_of_other_sites_open_no_socket(service: Service, held: dict[str, Any]) -> None:
    own = str(service.http.base_url).rstrip("/")
    with open_socket(service, f"/reports/{held['id']}/ws", origin=own) as socket:
        socket.recv(LIMIT_SECONDS)
    for origin in ("https://elsewhere.example", "null", "http://[", own + "0", own + "/"):
        with (
            pytest.raises(InvalidStatus) as refused,
            open_socket(service, f"/reports/{held['id']}/ws", origin=origin),
        ):
            pass
        assert refused.value.response.status_code == 403


def test_streams_need_the_key_and_end_with_the_server(make_service: ServiceMaker) -> None:
    service = make_service(**LONG_LEASE, API_KEY=KEY)
    with service:
        report = _submit_with_key(service)
        _refuse_without_key(service, report)
        _end_streams_by_sigterm(service, report)
        service.start()
        _survive_kill(service, report)


def test_what_does_not_move_is_kept_alive(quiet: httpx.Response) -> None:
    assert any(line == KEEP_ALIVE for line in quiet.iter_lines())


def _submit_with_key(service: Service) -> dict[str, Any]:
    service.http.headers["Authorization"] = f"Bearer {KEY}"
    return service.submit(service.put_nile(), seed=Fault.HELD)


def _refuse_without_key(service: Service, report: dict[str, Any]) -> None:
    anyone = httpx.Client(base_url=service.http.base_url)
    with closing(anyone):
        assert anyone.get(f"/reports/{report['id']}/events").status_code == 401
        assert anyone.get("/reports/events").status_code == 401
        assert anyone.get("/").status_code == 200
    path = f"/reports/{report['id']}/ws"
    for wrong in ({}, {"subprotocols": ["reports", "bearer.eA"]}):
        with pytest.raises(InvalidStatus) as refused, open_socket(service, path, **wrong):
            pass
        assert refused.value.response.status_code == 401
    as_browsers_can = ["reports", f"bearer.{_in_a_protocol(KEY)}"]
    with open_socket(service, path, subprotocols=as_browsers_can) as socket:
        assert socket.subprotocol == "reports"


def _in_a_protocol(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def _end_streams_by_sigterm(service: Service, report: dict[str, Any]) -> None:
    """Each ends as it should: an answer is whole, a socket is closed with a code that says why."""
    key = {"Authorization": f"Bearer {KEY}"}
    with ExitStack() as stack:
        streams = [stack.enter_context(events(service, report)) for _ in range(OPEN_STREAMS)]
        sockets = [
            stack.enter_context(
                open_socket(service, f"/reports/{report['id']}/ws", additional_headers=key)
            )
            for _ in range(OPEN_STREAMS)
        ]
        for stream in streams:
            next(stream)
        service.send(signal.SIGTERM, "web")
        for stream in streams:
            assert all(state["status"] not in {"succeeded", "failed"} for _, state in stream)
        for socket in sockets:
            assert states_and_close_code(socket)[1] == 1012
    service.wait_until_ended("web")
    service.stop()


def _survive_kill(service: Service, report: dict[str, Any]) -> None:
    with events(service, report) as stream:
        last, _ = next(stream)
        service.kill()
        with pytest.raises(httpx.RemoteProtocolError):
            list(stream)
    service.start()
    service.http.post(f"/reports/{report['id']}/cancel")
    with events(service, report, last) as stream:
        assert [state["status"] for _, state in stream][-1] == "cancelled"
    wait_until(lambda: service.report(report)["status"] == "cancelled", "the cancel")

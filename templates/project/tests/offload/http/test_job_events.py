"""Jobs followed live, as Server-Sent Events and over a WebSocket."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest
from job_site import JOBS, AppState, begin, create, end, fail
from sqlalchemy import Connection
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from app.offload.database.engines import transact
from app.offload.http import events
from app.offload.queue import claim, ends, listing

LIMIT_SECONDS = 60


@contextmanager
def following(
    client: httpx.Client, path: str, last: str = ""
) -> Iterator[Iterator[tuple[str, dict[str, Any]]]]:
    """The events of a stream, each its id and its data."""
    headers = {"Last-Event-ID": last} if last else {}
    with client.stream("GET", path, headers=headers) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        yield _parsed(answer.iter_lines())


def _parsed(lines: Iterator[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:
            yield fields.pop("id", ""), json.loads(fields.pop("data"))


def path_of(job: dict[str, Any]) -> str:
    """The stream of a job."""
    return f"{JOBS}/{job['id']}/events"


class TestOne:
    def test_a_job_is_followed_to_its_end(self, client: httpx.Client) -> None:
        job = create(client)
        with following(client, path_of(job)) as stream:
            assert next(stream)[1] == job
            lease = begin(job)
            assert next(stream)[1]["status"] == "running"
            transact(claim.note_progress, lease.token, 0.5)
            assert next(stream)[1]["progress"] == 0.5
            client.post(f"{JOBS}/{job['id']}/cancel")
            assert next(stream)[1]["cancel_requested"]
            transact(ends.end_cancelled, lease)
            [(last, found)] = stream
        assert found["status"] == "cancelled"
        assert str(found["version"]) == last
        assert client.get(f"{JOBS}/{job['id']}").json() == found

    def test_who_comes_back_gets_nothing_twice(self, client: httpx.Client) -> None:
        job = create(client)
        with following(client, path_of(job)) as stream:
            seen, _ = next(stream)
        with following(client, path_of(job), seen) as stream:
            begin(job)
            assert next(stream)[1]["status"] == "running"

    def test_who_comes_back_misses_nothing(self, client: httpx.Client) -> None:
        job = create(client)
        with following(client, path_of(job)) as stream:
            seen, _ = next(stream)
        fail(job)  # while nobody follows
        with following(client, path_of(job), seen) as stream:
            [(seen, found)] = stream
        assert found["status"] == "failed"
        answer = client.get(path_of(job), headers={"Last-Event-ID": seen})
        assert (answer.status_code, answer.content) == (204, b"")

    def test_a_quiet_stream_is_kept_open(
        self, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(events, "PING_SECONDS", 0.05)
        with client.stream("GET", path_of(create(client))) as answer:
            lines = answer.iter_lines()
            assert [next(line for line in lines if line.startswith(":")) for _ in range(2)] == [
                ": ping",
                ": ping",
            ]


class TestAll:
    def test_what_is_current_comes_first_and_then_what_moves(self, client: httpx.Client) -> None:
        first, second = create(client), client.post("/jobs/tick").json()
        with following(client, "/jobs/events") as stream:
            shown = [next(stream)[1] for _ in range(2)]
            assert {job["id"] for job in shown} == {first["id"], second["id"]}
            end(first, {"frames": 1})
            states = [next(stream)[1]]
            while states[-1]["status"] != "succeeded":
                states.append(next(stream)[1])
            assert {state["id"] for state in states} == {first["id"]}
            third = create(client)
            assert next(stream)[1]["id"] == third["id"]

    def test_who_leaves_is_forgotten(self, client: httpx.Client, app_state: AppState) -> None:
        create(client)
        left: list[object] = []  # held here: they are not forgotten for want of a holder
        for _ in range(3):
            with following(client, "/jobs/events") as stream:
                next(stream)
                left += app_state.feed._watches
        with following(client, "/jobs/events") as stream:
            next(stream)
            while len(app_state.feed._watches) > 1:
                create_and_cancel(client)
                next(stream)

    def test_one_look_is_for_everybody(
        self, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job, get_many = create(client), listing.get_many
        loads: list[int] = []

        def counted(connection: Connection, ids: Any) -> Any:
            loads.append(len(ids))
            return get_many(connection, ids)

        with (
            following(client, path_of(job)) as one,
            following(client, path_of(job)) as two,
            following(client, "/jobs/events") as every,
        ):
            for stream in (one, two, every):
                next(stream)
            monkeypatch.setattr(listing, "get_many", counted)
            begin(job)
            for stream in (one, two, every):
                assert next(stream)[1]["status"] == "running"
            # Not three; two where the change came between the two queries of a look.
            assert sum(loads) < 3


class TestSocket:
    def test_a_job_is_followed_to_its_end(self, client: httpx.Client) -> None:
        job = create(client)
        with open_socket(client, job, subprotocols=["offload", "bearer.x"]) as socket:
            assert socket.subprotocol == "offload"
            assert json.loads(socket.recv(LIMIT_SECONDS)) == job
            fail(job)
            states, code = rest_of(socket)
        assert (states[-1]["status"], code) == ("failed", 1000)

    def test_what_a_client_sends_is_nothing(self, client: httpx.Client) -> None:
        job = create(client)
        with open_socket(client, job) as socket:
            socket.send("x")
            fail(job)
            assert rest_of(socket)[1] == 1000

    def test_a_server_that_stops_says_so(self, client: httpx.Client, app_state: AppState) -> None:
        with open_socket(client, create(client)) as socket:
            json.loads(socket.recv(LIMIT_SECONDS))
            app_state.feed.stop()
            assert rest_of(socket)[1] == 1012

    def test_no_other_job_is_followed(self, client: httpx.Client) -> None:
        for job in ({"id": str(uuid4())}, client.post("/jobs/tick").json()):
            with pytest.raises(InvalidStatus) as refused:
                open_socket(client, job)
            assert refused.value.response.status_code == 404
            assert b"There is no job" in (refused.value.response.body or b"")

    def test_pages_of_other_sites_may_not(self, client: httpx.Client) -> None:
        with pytest.raises(InvalidStatus) as refused:
            open_socket(client, create(client), origin="https://evil.example")
        assert refused.value.response.status_code == 403


def create_and_cancel(client: httpx.Client) -> None:
    """Move something."""
    job = client.post("/jobs/tick").json()
    client.post(f"/jobs/tick/{job['id']}/cancel")


def open_socket(client: httpx.Client, job: dict[str, Any], **options: Any) -> ClientConnection:
    """A WebSocket to the job."""
    url = str(client.base_url.copy_with(scheme="ws")).rstrip("/")
    socket: ClientConnection = connect(f"{url}{JOBS}/{job['id']}/ws", proxy=None, **options)
    return socket


def rest_of(socket: ClientConnection) -> tuple[list[dict[str, Any]], int]:
    """All that comes, until the server closes; and the code it closes with."""
    states = []
    try:
        while True:
            states.append(json.loads(socket.recv(LIMIT_SECONDS)))
    except ConnectionClosed as closed:
        assert closed.rcvd is not None, closed
        return states, closed.rcvd.code

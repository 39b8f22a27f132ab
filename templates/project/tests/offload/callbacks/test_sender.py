"""What is sent, and that nobody waits for those that hang; over real sockets."""

import asyncio
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import certifi
import pytest
from prometheus_client import REGISTRY
from sqlalchemy import Connection, Row, delete, text
from standardwebhooks import Webhook
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from app.offload.callbacks import sender
from app.offload.callbacks.retries import Delivery, Render
from app.offload.database.engines import dispose_async_engine, get_engine, transact
from app.offload.database.tables import jobs
from app.offload.settings import get_settings
from offload.callbacks.receiver import Receiver, endless, first, with_status
from offload.callbacks.rows import SECRET, callback

LIMIT_SECONDS = 60.0
EndJob = Callable[[str], UUID]


def render(_: Connection, row: Row[Any]) -> Mapping[str, Any]:
    return {"id": str(row.id), "kind": row.kind, "status": row.status}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that answers."""
    with Receiver() as listening:
        yield listening


def send_until(done: Callable[[], object], render: Render = render) -> None:
    """Let a sender work until something is so."""

    def wait() -> None:
        end = time.monotonic() + LIMIT_SECONDS
        while not done():
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.05)

    async def main() -> None:
        try:
            async with sender.running(render):
                await asyncio.to_thread(wait)
        finally:
            await dispose_async_engine()

    asyncio.run(main())


def is_told(job_id: UUID) -> Callable[[], bool]:
    return lambda: callback(job_id).last_status == 204


def test_the_end_is_told_once_and_signed(end_job: EndJob, receiver: Receiver) -> None:
    job_id = end_job(f"{receiver.url}/hook;a?b=c;d")
    send_until(is_told(job_id))
    (request,) = receiver.received()
    assert request.path == "/hook;a?b=c;d"
    assert Webhook(SECRET).verify(request.body, request.headers)["type"] == "probe.cancelled"
    data = {"id": str(job_id), "kind": "probe", "status": "cancelled"}
    assert json.loads(request.body)["data"] == data
    found = callback(job_id)
    assert (found.attempts, found.next_at, found.last_error) == (1, None, None)


def test_a_receiver_that_fails_is_told_again_with_the_same_id(
    end_job: EndJob, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLBACK_RETRY_SECONDS", "0.1")
    get_settings.cache_clear()
    receiver.answers["/"] = first(with_status(500), with_status(204))
    send_until(is_told(end_job(f"{receiver.url}/")))
    sent = [(r.headers["webhook-id"], r.body) for r in receiver.received()]
    assert len(sent) == 2 and len(set(sent)) == 1


def test_each_try_is_counted_timed_and_logged_with_who_asked(
    end_job: EndJob, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLBACK_RETRY_SECONDS", "0.1")
    get_settings.cache_clear()
    seconds: list[float] = []
    remember = sender.Slots.remember

    def note(slots: sender.Slots, origin: str, took: float) -> None:
        seconds.append(took)
        remember(slots, origin, took)

    monkeypatch.setattr(sender.Slots, "remember", note)
    receiver.answers["/"] = first(with_status(500), with_status(204))
    job_id, before = end_job(f"{receiver.url}/"), counted_tries()
    with capture_logs([merge_contextvars]) as lines:
        send_until(is_told(job_id))
    assert counted_tries() == [number + 1 for number in before]
    assert [(line["event"], line["attempt"], line["status"]) for line in lines] == [
        ("callback_failed", 1, 500),
        ("callback_delivered", 2, 204),
    ]
    assert {(line["job_id"], line["request_id"]) for line in lines} == {(str(job_id), "asked")}
    assert all(0 < took < LIMIT_SECONDS for took in seconds)


def counted_tries() -> list[float]:
    """How many tries failed so far, and how many did not."""
    name = "offload_callback_tries_total"
    return [
        REGISTRY.get_sample_value(name, {"outcome": outcome}) or 0.0
        for outcome in ("failed", "delivered")
    ]


def test_a_look_that_failed_is_not_the_last(end_job: EndJob, receiver: Receiver) -> None:
    job_id = end_job(f"{receiver.url}/")
    names = iter([("callbacks", "gone"), ("gone", "callbacks")])
    rename_the_table(*next(names))
    with capture_logs() as lines:

        def is_told_after_a_failure() -> bool:
            if lines and (back := next(names, None)):
                rename_the_table(*back)
            return bool(lines) and is_told(job_id)()

        send_until(is_told_after_a_failure)
    assert {line["event"] for line in lines} == {"callbacks_not_taken", "callback_delivered"}


def test_nothing_is_told_of_a_job_that_is_deleted_as_its_turn_comes(
    end_job: EndJob, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    deleted, kept = end_job(f"{receiver.url}/deleted"), end_job(f"{receiver.url}/kept")
    take = sender.retries.take

    def take_and_delete(connection: Connection, wanted: Collection[UUID]) -> Sequence[Delivery]:
        taken = take(connection, wanted)
        connection.execute(delete(jobs).where(jobs.c.id == deleted))
        return taken

    monkeypatch.setattr(sender.retries, "take", take_and_delete)
    with capture_logs() as lines:
        send_until(is_told(kept))
    assert [request.path for request in receiver.received()] == ["/kept"]
    assert [line["event"] for line in lines] == ["callback_delivered"]


def rename_the_table(old: str, new: str) -> None:
    """So that the sender's statements fail, as they do before a migration."""
    schema = "offload." if get_engine().dialect.name == "postgresql" else ""
    rename = text(f"ALTER TABLE {schema}offload_{old} RENAME TO offload_{new}")
    transact(lambda connection: connection.execute(rename))


def test_a_redirect_is_not_followed(end_job: EndJob, receiver: Receiver) -> None:
    receiver.answers["/"] = with_status(307, Location=f"{receiver.url}/elsewhere")
    job_id = end_job(f"{receiver.url}/")
    send_until(lambda: callback(job_id).last_status)
    assert (callback(job_id).last_status, callback(job_id).attempts) == (307, 1)
    assert [request.path for request in receiver.received()] == ["/"]


def test_a_body_without_end_is_not_read(end_job: EndJob, receiver: Receiver) -> None:
    receiver.answers["/"] = endless
    job_id = end_job(f"{receiver.url}/")
    send_until(lambda: callback(job_id).last_status)
    assert (callback(job_id).last_status, callback(job_id).last_error) == (200, None)


@pytest.mark.parametrize("later", [["127.0.0.2"], ["127.0.0.1", "127.0.0.2"]])
def test_a_name_is_resolved_for_each_try_and_only_allowed_addresses_are_connected_to(
    end_job: EndJob, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, later: list[str]
) -> None:
    monkeypatch.setenv("CALLBACK_RETRY_SECONDS", "0.1")
    get_settings.cache_clear()
    answers = iter([["127.0.0.1"]])
    resolve = socket.getaddrinfo

    def resolve_otherwise(host: Any, port: Any, *args: Any, **options: Any) -> list[Any]:
        if host != "receiver.test":
            return resolve(host, port, *args, **options)
        addresses = next(answers, later)
        return [found for each in addresses for found in resolve(each, port, *args, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve_otherwise)
    receiver.answers["/"] = with_status(500)
    job_id = end_job(f"http://receiver.test:{receiver.port}/")
    send_until(lambda: callback(job_id).last_error == "its address is not allowed")
    assert len(receiver.received()) == 1


def test_receivers_that_hang_keep_nobody_waiting(
    end_job: EndJob, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLBACK_TIMEOUT_SECONDS", "600")  # longer than anybody waits here
    get_settings.cache_clear()
    with ExitStack() as stack:
        hanging: list[UUID] = []
        for _ in range(20):
            server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            port = server.getsockname()[1]
            hanging += [end_job(f"http://127.0.0.1:{port}/") for _ in range(8)]
        healthy: list[UUID] = []

        def is_healthy_told() -> bool:
            if not healthy and sum(callback(each).attempts for each in hanging) >= 20:
                healthy.append(end_job(f"{receiver.url}/"))  # when they have what they may have
            return bool(healthy) and is_told(healthy[0])()

        send_until(is_healthy_told)


def test_one_that_cannot_be_told_of_holds_up_no_other(end_job: EndJob, receiver: Receiver) -> None:
    broken = end_job(f"{receiver.url}/broken")
    whole = end_job(f"{receiver.url}/whole")

    def render_one(connection: Connection, row: Row[Any]) -> Mapping[str, Any]:
        if row.id == broken:
            raise ValueError("it has a fault")
        return render(connection, row)

    send_until(is_told(whole), render_one)


def test_the_many_of_one_receiver_are_told_as_fast_as_it_answers(
    end_job: EndJob, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "LOOK_SECONDS", 600.0)  # only an answer makes it look again
    told = [end_job(f"{receiver.url}/{number}") for number in range(20)]
    send_until(lambda: all(callback(each).last_status for each in told))


def test_the_certificates_are_loaded_once_and_not_on_the_loop(
    end_job: EndJob, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded_by: list[threading.Thread] = []
    load_certificates = ssl.SSLContext.load_verify_locations

    def note(context: ssl.SSLContext, *args: Any, **options: Any) -> None:
        loaded_by.append(threading.current_thread())
        load_certificates(context, *args, **options)

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", note)
    monkeypatch.setenv("SSL_CERT_FILE", certifi.where())
    monkeypatch.setenv("CALLBACK_RETRY_SECONDS", "1")  # and at most 3 after the second try
    get_settings.cache_clear()
    # It speaks no TLS: each try fails, on a connection of its own.
    job_id = end_job(f"https://127.0.0.1:{receiver.port}/")

    def has_tried_twice() -> bool:
        found = callback(job_id)
        noted = found.next_at < datetime.now(UTC) + timedelta(seconds=10)  # it is no lease
        return bool(found.attempts == 2 and noted)

    send_until(has_tried_twice)
    assert "no answer" in callback(job_id).last_error
    (thread,) = loaded_by
    assert thread is not threading.main_thread()

"""Storing, finding and deleting PDFs."""

import asyncio
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from obstore.exceptions import PermissionDeniedError
from obstore.store import S3Store

from app import storage
from app.errors import TransientError

pytestmark = pytest.mark.usefixtures("database")

CALLS: dict[str, Callable[[], object]] = {
    "save": lambda: storage.save(uuid.uuid4(), "token", b"%PDF"),
    "load": lambda: asyncio.run(storage.load("key")),
    "list": lambda: storage.list_keys(uuid.uuid4()),
}


@contextmanager
def s3_that_answers(status: int) -> Iterator[str]:
    """The address of a server that answers every request so; after it, nobody answers there."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_PUT(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.01,)).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def use_s3(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    store = S3Store(
        "bucket",
        endpoint=endpoint,
        access_key_id="id",
        secret_access_key="secret",
        client_options={"allow_http": True},
        retry_config={"max_retries": 0},
    )
    monkeypatch.setattr(storage, "get_store", lambda: store)


def test_what_was_stored_is_found() -> None:
    key = storage.save(uuid.uuid4(), "token", b"%PDF")
    assert asyncio.run(storage.load(key)) == b"%PDF"


def test_what_is_gone_is_none() -> None:
    report_id = uuid.uuid4()
    key = storage.save(report_id, "token", b"%PDF")
    storage.delete([key])
    assert asyncio.run(storage.load(key)) is None
    storage.delete(storage.list_keys(report_id))  # nothing is left to delete


def test_runs_and_reports_keep_out_of_each_others_way() -> None:
    report_id, other_id = uuid.uuid4(), uuid.uuid4()
    keys = [storage.save(report_id, token, token.encode()) for token in ("a", "b")]
    other = storage.save(other_id, "a", b"other")
    assert asyncio.run(storage.load(keys[0])) == b"a"
    storage.delete(keys)
    assert storage.list_keys(report_id) == []
    assert storage.list_keys(other_id) == [other]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_store_with_troubles_may_be_tried_again(
    status: int, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with s3_that_answers(status) as endpoint:
        use_s3(monkeypatch, endpoint)
        with pytest.raises(TransientError):
            CALLS[call]()


@pytest.mark.parametrize("call", CALLS)
def test_a_store_that_nobody_reaches_may_be_tried_again(
    call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with s3_that_answers(200) as endpoint:
        use_s3(monkeypatch, endpoint)
    with pytest.raises(TransientError):
        CALLS[call]()


@pytest.mark.parametrize(("status", "error"), [(403, PermissionDeniedError), (404, OSError)])
def test_a_store_that_refuses_is_not_tried_again(
    status: int, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    with s3_that_answers(status) as endpoint:
        use_s3(monkeypatch, endpoint)
        with pytest.raises(error):
            CALLS["save"]()

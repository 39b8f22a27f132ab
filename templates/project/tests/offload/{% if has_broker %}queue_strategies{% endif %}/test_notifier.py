"""Whoever notifies waits for nobody."""

import os
import select
import threading
import time
from collections.abc import Iterator

import pytest
import structlog
from structlog.testing import capture_logs

from app.offload import notifier as module
from app.offload.notifier import MOST_WAITING, Notifier
from offload.service import LIMIT_SECONDS, wait_until


@pytest.fixture(autouse=True)
def a_broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A setting, and pauses that cost no time."""
    monkeypatch.setattr(module, "PAUSES", (0.01,))
    monkeypatch.setenv("BROKER_URL", "redis://127.0.0.1:1/0")
    module.get_broker_settings.cache_clear()
    yield
    module.get_broker_settings.cache_clear()


def test_nobody_waits_and_few_messages_do() -> None:
    hold, published = threading.Event(), list[str]()

    def publish(queue: str) -> None:
        hold.wait()
        published.append(queue)

    notifier = Notifier(publish, lambda: None)
    start = time.monotonic()
    for _ in range(10_000):
        notifier.notify("slow")
    notifier.notify("fast")
    assert time.monotonic() - start < LIMIT_SECONDS  # and it would be for ever, if it waited
    hold.set()
    wait_until(lambda: "fast" in published, "all to be published")
    assert len(published) <= MOST_WAITING + 2


def test_an_outage_is_logged_once_and_what_waits_is_published() -> None:
    tries, published = 0, list[str]()

    def publish(queue: str) -> None:
        nonlocal tries
        tries += 1
        if tries < 5:
            raise ConnectionError("refused\nwith more")
        published.append(queue)

    with capture_logs() as lines:
        notifier = Notifier(publish, lambda: None)
        notifier.notify("default")
        wait_until(lambda: published, "the message")
        wait_until(lambda: notifier.trouble is None, "the end of the outage")
    assert [line["event"] for line in lines] == ["broker_away", "broker_back"]
    assert lines[0]["error"] == "ConnectionError: refused"


def test_its_log_lines_name_no_request() -> None:
    seen: list[dict[str, object]] = []
    with structlog.contextvars.bound_contextvars(request_id="mine"):
        notifier = Notifier(
            lambda _: seen.append(structlog.contextvars.get_contextvars()), lambda: None
        )
        notifier.notify("default")
        wait_until(lambda: seen, "the message")
    assert seen == [{}]


def test_it_goes_on_in_a_process_that_was_forked() -> None:
    read, write = os.pipe()
    notifier = Notifier(lambda queue: os.write(write, queue.encode()), lambda: None)
    notifier.notify("parent")
    assert os.read(read, 100) == b"parent"
    child = os.fork()
    if child == 0:
        notifier.notify("child")
        time.sleep(60)  # its parent ends it
        os._exit(1)
    try:
        assert select.select([read], [], [], LIMIT_SECONDS)[0], "nothing was published"
        assert os.read(read, 100) == b"child"
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)


def test_without_a_broker_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKER_URL", "")
    module.get_broker_settings.cache_clear()
    with capture_logs() as lines:
        notifier = Notifier(lambda _: None, lambda: None)
        for _ in range(100):
            notifier.notify("default")
    assert [line["event"] for line in lines] == ["broker_missing"]
    assert notifier.trouble == module.NOT_SET

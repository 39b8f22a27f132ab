"""Where requests may go."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpcore2
import pytest
from anyio import to_thread

from app.offload.callbacks.outbound import GuardedBackend, may_connect, names_refused_address
from app.offload.settings import get_settings

LIMIT_SECONDS = 60.0


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("CALLBACK_ALLOWED_NETWORKS", "10.1.0.0/16, fd00:1::/32")
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


@pytest.mark.parametrize(
    "address",
    [
        "93.184.216.34",
        "8.8.8.8",
        "2606:2800:220:1:248:1893:25c8:1946",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",  # NAT64
        "10.1.2.3",  # allowed by the setting
        "::ffff:10.1.2.3",
        "fd00:1::7",
    ],
)
def test_the_internet_and_what_is_allowed(address: str) -> None:
    assert may_connect(address)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "10.2.0.1",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "127.255.255.254",
        "168.63.129.16",
        "169.254.169.254",
        "169.254.170.2",
        "172.16.0.1",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "198.18.0.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::127.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",  # Teredo
        "2001:db8::1",
        "2002:7f00:1::1",  # 6to4 of 127.0.0.1
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
    ],
)
def test_everything_else_is_refused(address: str) -> None:
    assert not may_connect(address)


@pytest.mark.parametrize(
    ("host", "refused"),
    [
        ("127.0.0.1", True),
        ("[::1]", True),
        ("8.8.8.8", False),
        ("localhost", False),  # a name: looked at when it is resolved
    ],
)
def test_an_address_in_a_url_is_judged_at_once(host: str, refused: bool) -> None:
    assert names_refused_address(host) is refused


@pytest.mark.parametrize("error", [httpcore2.ConnectError, httpcore2.ConnectTimeout])
@pytest.mark.parametrize("answering", [0, 1, 2, None])
def test_address_after_address_is_tried_each_for_its_share_of_the_time(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception], answering: int | None
) -> None:
    addresses = ["10.1.0.0", "10.1.0.1", "10.1.0.2"]
    tried: list[tuple[Any, ...]] = []

    async def connect_tcp(_backend: object, *given: Any) -> str:
        tried.append(given)
        if len(tried) - 1 == answering:
            return "connected"
        raise error

    def resolve(_host: str, port: int, **_options: Any) -> list[Any]:
        return [(None, None, 0, "", (address, port)) for address in addresses]

    monkeypatch.setattr(httpcore2.AnyIOBackend, "connect_tcp", connect_tcp)
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    options = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
    with suppress(error):
        found = asyncio.run(GuardedBackend().connect_tcp("a.test", 443, 9.0, None, options))
        assert found == "connected"
    expected = [(address, 443, 3.0, None, options) for address in addresses]
    assert tried == (expected if answering is None else expected[: answering + 1])


def test_who_looks_up_a_name_for_long_is_waited_for_no_longer_and_takes_nobody_s_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks, may_end = threading.Event(), threading.Event()

    def resolve(*_: Any, **_options: Any) -> list[Any]:
        looks.set()
        may_end.wait(LIMIT_SECONDS)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", resolve)

    async def main() -> None:
        connecting = asyncio.create_task(GuardedBackend().connect_tcp("slow.test", 443))
        try:
            await asyncio.to_thread(looks.wait, LIMIT_SECONDS)
            assert to_thread.current_default_thread_limiter().borrowed_tokens == 0
            connecting.cancel()
            await asyncio.wait([connecting], timeout=LIMIT_SECONDS / 6)
            assert connecting.cancelled()
        finally:
            may_end.set()

    asyncio.run(main())

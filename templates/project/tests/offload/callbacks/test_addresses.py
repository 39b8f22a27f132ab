"""Where requests may go."""

from collections.abc import Iterator

import pytest

from app.offload.callbacks.outbound import may_connect, names_refused_address
from app.offload.settings import get_settings


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

"""Requests to addresses that a caller chose: only to the internet, whatever a name resolves to.

A name may resolve to one address when it is looked at and to another when it is used. So the
address is checked that is connected to, and there is no second resolution, redirect or proxy.
"""

import socket
from collections.abc import Iterable
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

import httpcore2
from anyio import CapacityLimiter, to_thread

from ..settings import get_settings

GLOBAL_UNICAST = IPv6Network("2000::/3")
NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address in the last four bytes
# `is_global` has let these pass in one version of Python or another.
REFUSED = [
    ip_network(network)
    for network in (
        "100.64.0.0/10",  # carriers' NAT, and the metadata of Alibaba Cloud
        "168.63.129.16/32",  # the metadata of Azure, at a public address
        "192.0.0.0/24",  # protocol assignments, and the metadata of Oracle Cloud
        "192.88.99.0/24",  # relays of 6to4
        "2001::/23",  # protocol assignments; Teredo has an IPv4 address within
        "2002::/16",  # 6to4: the same
    )
]


class AddressRefused(httpcore2.ConnectError):
    """The address is none of the internet's, nor in CALLBACK_ALLOWED_NETWORKS."""


def may_connect(address: str) -> bool:
    """Whether a request may go to an IP address."""
    ip = _unwrapped(ip_address(address))
    if any(ip in network for network in get_settings().callback_allowed_networks):
        return True
    if ip.version == 6 and ip not in GLOBAL_UNICAST:
        return False
    return ip.is_global and not ip.is_multicast and not any(ip in net for net in REFUSED)


def names_refused_address(host: str) -> bool:
    """Whether a URL's host is itself an IP address that no request may go to."""
    try:
        return not may_connect(host.strip("[]"))
    except ValueError:
        return False


def _unwrapped(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 address stands for, if it does."""
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped:
            return ip.ipv4_mapped
        if ip in NAT64:
            return IPv4Address(ip.packed[-4:])
    return ip


class GuardedBackend(httpcore2.AnyIOBackend):
    """Connects to no address but those that were checked. TLS still checks the name."""

    def __init__(self) -> None:
        self._limiter = CapacityLimiter(8)  # threads of its own: resolving may take its time

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (httpcore's signature)
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """A connection to the first address of the host that answers.

        Raises AddressRefused if one of them must not be connected to.
        """
        addresses = await self._resolve(host, port)
        if not all(map(may_connect, addresses)):
            raise AddressRefused("its address is not allowed")
        share = timeout and timeout / len(addresses)
        for address in addresses[:-1]:
            with suppress(httpcore2.ConnectError, httpcore2.ConnectTimeout):
                return await super().connect_tcp(address, port, share, None, socket_options)
        return await super().connect_tcp(addresses[-1], port, share, None, socket_options)

    async def _resolve(self, host: str, port: int) -> list[str]:
        try:
            found = await to_thread.run_sync(
                _look_up, host, port, limiter=self._limiter, abandon_on_cancel=True
            )
        except OSError as error:
            raise httpcore2.ConnectError("its name is not known") from error
        return list(dict.fromkeys(found))


def _look_up(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]

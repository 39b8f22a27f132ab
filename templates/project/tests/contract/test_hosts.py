"""Which host names the service answers to while it has no API key."""

import json
import socket
import uuid

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from service import LIMIT_SECONDS, Service, ServiceMaker

PUBLIC = ["evil.example", "evil.example:8000", "EVIL.EXAMPLE.", "127.0.0.1.evil.example", "a.local"]
NAMES = ["localhost", "localhost:8000", "Reports.Localhost", "web", "web:8000"]
ADDRESSES = ["192.168.1.7", "127.0.0.1:8000", "[::1]", "[::1]:8000", "[::ffff:1.2.3.4]"]


@pytest.mark.parametrize("host", PUBLIC)
def test_a_public_name_is_refused(service: Service, host: str) -> None:
    for path in ("/", "/web/page.js", "/reports", "/health/live", "/nothing"):
        answer = service.http.get(path, headers={"Host": host})
        assert answer.status_code == 421
        assert answer.headers["content-type"] == "application/problem+json"
        assert "set API_KEY" in answer.json()["detail"]
        assert answer.headers["x-request-id"]


@pytest.mark.parametrize("host", [*NAMES, *ADDRESSES])
def test_an_address_or_a_private_name_is_answered(service: Service, host: str) -> None:
    for path in ("/reports", "/health/ready"):
        assert service.http.get(path, headers={"Host": host}).status_code == 200


def test_a_socket_to_a_public_name_is_refused(service: Service) -> None:
    path = f"/reports/{uuid.uuid4()}/ws"
    with pytest.raises(InvalidStatus) as refused:
        open_socket(service, "evil.example", path)
    assert refused.value.response.status_code == 421
    assert "set API_KEY" in json.loads(refused.value.response.body or b"")["detail"]
    with pytest.raises(InvalidStatus) as unknown:
        open_socket(service, "web", path)
    assert unknown.value.response.status_code == 404


def open_socket(service: Service, host: str, path: str) -> None:
    """Open a WebSocket as the page of a host would whose name leads here."""
    url = service.http.base_url
    connection = socket.create_connection((url.host, url.port))
    connect(
        f"ws://{host}:{url.port}{path}",
        sock=connection,
        origin=Origin(f"http://{host}:{url.port}"),
        open_timeout=LIMIT_SECONDS,
        proxy=None,
    )


def test_with_a_key_every_name_is_answered(make_service: ServiceMaker) -> None:
    with make_service(API_KEY="secret") as service:
        headers = {"Host": "reports.example", "Authorization": "Bearer secret"}
        assert service.http.get("/reports", headers=headers).status_code == 200
        del headers["Authorization"]
        assert service.http.get("/reports", headers=headers).status_code == 401

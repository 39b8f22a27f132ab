"""A broker that cannot prove who it is gets nothing, no password above all."""

import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from offload.project import ROOT

OWN_CA = Path(__file__).with_name("localhost.pem")  # a certificate for localhost, and its key
PUBLISH = "from app.offload.worker import notifier; notifier._ping()"


@contextmanager
def server() -> Iterator[tuple[int, list[bytes]]]:
    """A port that speaks TLS with a certificate of one's own; and what it was told by it."""
    told: list[bytes] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(OWN_CA)

    def serve(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                with suppress(OSError), context.wrap_socket(client, server_side=True) as secure:
                    told.append(secure.recv(100))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        yield listener.getsockname()[1], told


@pytest.mark.parametrize("scheme", ["rediss", "amqps"])
@pytest.mark.parametrize(
    ("host", "ca_file", "is_told"),
    [
        ("localhost", "", False),  # nobody vouches for it
        ("127.0.0.1", str(OWN_CA), False),  # it is for another name
        ("localhost", str(OWN_CA), True),
    ],
)
def test_the_certificate_is_checked(scheme: str, host: str, ca_file: str, is_told: bool) -> None:
    with server() as (port, told):
        settings = {"BROKER_URL": f"{scheme}://me:s3cret@{host}:{port}/0"}
        ended = subprocess.run(
            [sys.executable, "-c", PUBLISH],
            cwd=ROOT,
            env=os.environ | settings | {"BROKER_CA_FILE": ca_file},
            capture_output=True,
            text=True,
        )
        assert ended.returncode != 0  # it is no broker
        assert any(told) is is_told, ended.stderr
        assert ("certificate verify failed" in ended.stderr.lower()) is not is_told

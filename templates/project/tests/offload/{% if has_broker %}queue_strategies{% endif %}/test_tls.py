"""A broker that cannot prove who it is gets nothing, no password above all."""

import json
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from offload.project import ROOT

OWN_CA = Path(__file__).with_name("localhost.pem")  # a certificate for localhost, and its key
CASES = {
    "unknown": ("localhost", "", False),  # nobody vouches for it
    "another": ("127.0.0.1", str(OWN_CA), False),  # it is for another name
    "known": ("localhost", str(OWN_CA), True),
}
NAMES = [f"{scheme} {case}" for scheme in ("rediss", "amqps") for case in CASES]
# Forked by one that has imported what there is to import, which takes longer than all else.
PROGRAM = """
import importlib, json, os, sys
from app.offload import broker, worker

given = json.loads(sys.argv[1])
for environment, output in given:
    if os.fork() == 0:
        os.environ.update(environment)
        os.dup2(os.open(output, os.O_CREAT | os.O_WRONLY), 2)
        broker.get_broker_settings.cache_clear()
        importlib.reload(worker).notifier._ping()
        os._exit(0)
for _ in given:  # at once, for who is not answered waits for seconds
    os.wait()
"""


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


@pytest.fixture(scope="module")
def pinged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[bool, str]]]:
    """By the broker's scheme and the case: whether the server was told anything, and stderr."""
    folder = tmp_path_factory.mktemp("tls")
    with ExitStack() as stack:
        servers = {name: stack.enter_context(server()) for name in NAMES}
        given = []
        for name, (port, _) in servers.items():
            scheme, case = name.split()
            host, ca_file, _ = CASES[case]
            settings = {"BROKER_URL": f"{scheme}://me:s3cret@{host}:{port}/0"}
            given.append((settings | {"BROKER_CA_FILE": ca_file}, str(folder / name)))
        command = [sys.executable, "-c", PROGRAM, json.dumps(given)]
        subprocess.run(command, cwd=ROOT, check=True)
        yield {n: (any(told), (folder / n).read_text()) for n, (_, told) in servers.items()}


@pytest.mark.parametrize("name", NAMES)
def test_the_certificate_is_checked(pinged: dict[str, tuple[bool, str]], name: str) -> None:
    *_, is_told = CASES[name.split()[1]]
    was_told, output = pinged[name]
    assert "Traceback" in output  # it is no broker
    assert was_told is is_told, output
    assert ("certificate verify failed" in output.lower()) is not is_told

"""The worker's module, before it has anything to do."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from offload.queue_strategies.brokers import ENGINE
from offload.service import COMMANDS, LIMIT_SECONDS, lay_out

# Without the launcher and the embedded broker.
COMMAND = COMMANDS["worker"].partition("dev/broker.py ")[2].removesuffix("'")


# Forked by one that has imported nearly all, which takes long.
IMPORT = """
import os, sys
from app.offload import worker_children

for url in sys.argv[1:]:
    if os.fork() == 0:
        os.environ["BROKER_URL"] = url
        from app.offload import worker
        os._exit(0)
    if os.wait()[1]:
        sys.exit(1)
"""


def test_importing_it_opens_no_connection(tmp_path: Path) -> None:
    lay_out(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        own = {
            "DATABASE_URL": f"postgresql+psycopg://{address}/x",
            "FAULTS_FOLDER": str(tmp_path),
        }
        command = [sys.executable, "-c", IMPORT, f"redis://{address}", f"amqp://{address}"]
        subprocess.run(command, cwd=tmp_path, env=os.environ | own, check=True)
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()


# The byte that the signal writes is there when the wait begins: nothing depends on who is faster.
WAIT = """
import os, signal, sys
from kombu.asynchronous import Hub
from app.offload.worker import app

hub = Hub()
for step in app.steps["consumer"]:
    step(None).register_with_event_loop(None, hub)
signal.signal(signal.SIGTERM, lambda *_: None)
os.kill(os.getpid(), signal.SIGTERM)
sys.exit(not hub.poller.poll(0))
"""


@pytest.mark.skipif(ENGINE != "celery", reason="Dramatiq's main thread waits for signals alone")
def test_a_signal_ends_the_wait_for_messages(tmp_path: Path) -> None:
    lay_out(tmp_path)
    own = {"BROKER_URL": "redis://127.0.0.1:9", "FAULTS_FOLDER": str(tmp_path)}
    subprocess.run([sys.executable, "-c", WAIT], cwd=tmp_path, env=os.environ | own, check=True)


def test_without_a_broker_it_ends_with_one_line(tmp_path: Path) -> None:
    lay_out(tmp_path)
    own = {"BROKER_URL": "", "FAULTS_FOLDER": str(tmp_path), "JOB_WORKERS": "1"}
    ended = subprocess.run(
        COMMAND,
        shell=True,
        cwd=tmp_path,
        env=os.environ | own,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
    )
    assert ended.returncode != 0
    assert "BROKER_URL is not set" in ended.stderr
    assert "Traceback" not in ended.stderr

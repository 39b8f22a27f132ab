"""The worker's module, and the settings of the queue."""

import ast
import os
import socket
import subprocess
import sys
from importlib.util import find_spec

import pytest
from pydantic import ValidationError

from app.broker import BrokerSettings
from service import COMMANDS, ROOT


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_importing_it_opens_no_connection(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        urls = {
            "BROKER_URL": f"{scheme}://{address}",
            "DATABASE_URL": f"postgresql+psycopg://{address}/x",
        }
        subprocess.run(
            [sys.executable, "-c", "import app.worker"], cwd=ROOT, env=os.environ | urls, check=True
        )
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.skipif(find_spec("celery") is None, reason="Celery's own")
def test_a_message_is_held_for_longer_than_a_run_and_the_wait_before_it() -> None:
    show = "from app.worker import app; print(app.conf.broker_transport_options)"
    waits = {"RETRY_MAX_SECONDS": "7200", "JOB_DEADLINE_SECONDS": "600"}
    redis = {"BROKER_URL": "redis://127.0.0.1:1"}
    shown = subprocess.run(
        [sys.executable, "-c", show],
        cwd=ROOT,
        env=os.environ | redis | waits,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert ast.literal_eval(shown)["visibility_timeout"] > 7200 + 2 * 600


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"broker_url": "kafka://localhost"}, "kafka:// is not supported"),
        ({"broker_url": "localhost:6379"}, "use redis:// or amqp://"),
        ({"queue_name": "two words"}, "queue_name"),
    ],
)
def test_what_cannot_work_is_refused(given: dict[str, str], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        BrokerSettings(**given)


@pytest.mark.parametrize("url", ["amqp://me@localhost/", "amqp://me@localhost//"])
def test_both_spellings_of_the_first_virtual_host_serve(url: str) -> None:
    assert BrokerSettings(broker_url=url).broker_url == "amqp://me@localhost/"


def test_a_worker_without_a_broker_ends_with_one_line() -> None:
    command = COMMANDS["worker"].replace("exec python -m app.dev.run --restart", "exec")
    ended = subprocess.run(
        command,
        shell=True,
        cwd=ROOT,
        env=os.environ | {"BROKER_URL": ""},
        capture_output=True,
        text=True,
    )
    assert ended.returncode != 0
    assert "BROKER_URL is not set" in ended.stderr
    assert "Traceback" not in ended.stderr

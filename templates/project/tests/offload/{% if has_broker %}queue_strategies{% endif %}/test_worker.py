"""The worker's module, before it has anything to do."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

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

"""The engine behind a real PgBouncer that gives each transaction another server connection."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from conftest import Rendered
from uv import find_uv_bin

PROGRAM = "pgbouncer"
LIMIT_SECONDS = 600
# What prepares statements and sets limits: claims, ends and submits, and a service as a whole.
TESTS = ["rows/test_claiming.py", "rows/test_enqueuing.py", "rows/test_sessions.py"]
TESTS += ["faults/test_faults.py"]
# After an outage PgBouncer itself refuses everybody for a while (server_login_retry).
NO_OUTAGES = "not outage and not full_disk"

pytestmark = [
    pytest.mark.skipif(shutil.which(PROGRAM) is None, reason="needs Debian's pgbouncer"),
    pytest.mark.skipif(
        not os.environ.get("DATABASE_URL", "").startswith("postgresql"),
        reason="needs PostgreSQL: DATABASE_URL",
    ),
]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that others may read, too: no root may run the program, and pytest's are private."""
    with tempfile.TemporaryDirectory(prefix="pgbouncer-") as name:
        Path(name).chmod(0o777)
        yield Path(name)


@contextmanager
def bouncer(folder: Path, database_url: str) -> Iterator[str]:
    """The URL of the same server behind two connections, which all clients share."""
    server = urlsplit(database_url)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    password = f" password={server.password}" if server.password else ""
    at = f"host={server.hostname or '127.0.0.1'} port={server.port or 5432} user={server.username}"
    (folder / "settings.ini").write_text(f"""\
[databases]
* = {at}{password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
auth_type = any
pool_mode = transaction
default_pool_size = 2
max_client_conn = 200
unix_socket_dir =
pidfile = {folder}/pid
""")
    as_nobody = ["setpriv", "--reuid", "nobody", "--clear-groups"] if os.geteuid() == 0 else []
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            [*as_nobody, PROGRAM, folder / "settings.ini"], stdout=log, stderr=log
        ) as running,
    ):
        try:
            yield server._replace(netloc=f"{server.username}@127.0.0.1:{port}").geturl()
        finally:
            running.terminate()


def test_the_engine_works_behind_it(tmp_path: Path, folder: Path, rendered: Rendered) -> None:
    project = Path(shutil.copytree(rendered("executor-process"), tmp_path / "demo"))
    subprocess.run([find_uv_bin(), "sync", "--quiet"], cwd=project, check=True)
    with bouncer(folder, os.environ["DATABASE_URL"]) as url:
        run = subprocess.run(
            [
                *(project / ".venv" / "bin" / "python", "-m", "pytest", "-q"),
                *("-n", "2", "-k", NO_OUTAGES),
                *(f"tests/offload/{path}" for path in TESTS),
            ],
            cwd=project,
            env=os.environ | {"DATABASE_URL": url},
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
        log = (folder / "log").read_text()
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:] + log[-2000:]

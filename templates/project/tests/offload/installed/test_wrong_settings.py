"""Wrong settings end each command at its start, with one line that names them."""

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from offload.service import COMMANDS, LIMIT_SECONDS, lay_out

MIGRATE = "python -c 'from app.offload.database import migrate; migrate.migrate()'"
STARTED = [name for name in COMMANDS if name != "broker"]
WRONG = {
    "DATABASE_URL": "mysql://me:secret@127.0.0.1/x",
    "LOG_LEVEL": "LOUD",
    "STORAGE_URL": "nowhere://x",
}
RIGHT = {"BROKER_URL": "redis://127.0.0.1:1/0", "WEB_PORT": "0"}  # where nobody gets to ask


@pytest.mark.parametrize("name", [*STARTED, "migrate"])
def test_each_command_ends_with_one_line(name: str, tmp_path: Path) -> None:
    lay_out(tmp_path)
    # Without what starts it anew whenever it ends.
    command = MIGRATE if name == "migrate" else shlex.split(COMMANDS[name])[-1]
    ended = subprocess.run(
        command,
        shell=True,
        cwd=tmp_path,
        env=os.environ | WRONG | {"PYTHONPATH": str(tmp_path), **RIGHT},
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
    )
    assert ended.returncode != 0
    told = [line for line in ended.stderr.splitlines() if "The settings are wrong" in line]
    assert len(told) == 1, ended.stderr
    assert all(f"{setting} " in told[0] for setting in WRONG)
    assert "secret" not in ended.stderr
    assert "Traceback" not in ended.stderr

"""The folders in which the processes of a server add up their metrics."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from app import metrics_folder
from service import ROOT

SHARE = """
import multiprocessing
from app import metrics_folder

def tell() -> None:
    print(metrics_folder.share(), flush=True)

if __name__ == "__main__":
    tell()
    for _ in range(2):
        process = multiprocessing.get_context("spawn").Process(target=tell)
        process.start()
        process.join()
"""


def test_the_processes_of_a_server_share_one_and_a_single_one_has_none(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(SHARE)
    given = {"PROMETHEUS_MULTIPROC_DIR": "", "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, program],
        env=os.environ | given,
        capture_output=True,
        text=True,
        check=True,
    )
    alone, first, second = ended.stdout.split()
    assert (alone, first) == ("None", second)
    assert Path(first).parent == tmp_path
    assert Path(first).stat().st_mode & 0o777 == 0o700


def test_those_of_servers_that_are_gone_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    left, lives = (metrics_folder.folder_of(pid) for pid in (gone.pid, os.getppid()))
    for folder in (left, lives):
        folder.mkdir()
        (folder / "counter_1.db").touch()
    ours = metrics_folder.make(os.getpid())
    assert set(tmp_path.iterdir()) == {lives, ours}

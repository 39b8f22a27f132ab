"""The folders in which the processes of a server add up their metrics."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from app.offload.observing import metrics_folder

SHARE = """
import multiprocessing
import metrics_folder

def tell() -> None:
    print(metrics_folder.share(), flush=True)

if __name__ == "__main__":
    tell()
    for method in ("spawn", "spawn", "forkserver"):
        process = multiprocessing.get_context(method).Process(target=tell)
        process.start()
        process.join()
"""


def run_server(folder: Path, **given: str) -> list[Path | None]:
    """What a process shares with two that it spawns, and with one that runs jobs, in turn.

    Temporary files are in the folder.
    """
    program = folder.parent / "program.py"
    program.write_text(SHARE)
    shutil.copy(metrics_folder.__file__, folder.parent)  # alone: the engine is slow to import
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": "", "TMPDIR": str(folder)} | given
    ended = subprocess.run(
        [sys.executable, program], env=environment, capture_output=True, text=True, check=True
    )
    return [None if line == "None" else Path(line) for line in ended.stdout.split()]


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder for everybody's temporary files; a short name, because sockets lie below it."""
    with TemporaryDirectory(prefix="o-") as name:
        folder = Path(name).resolve() / "tmp"
        folder.mkdir()
        yield folder


def test_the_processes_of_a_server_share_one_that_nobody_can_guess(shared: Path) -> None:
    alone, first, second, job = run_server(shared)
    assert alone is job is None and first and first == second
    assert first.parent == shared
    assert first.stat().st_mode & 0o777 == 0o700
    # What others leave there stops nobody.
    for name in ("0-abc", "{uid}-", "{uid}-x", "{uid}-99999999999999999999", ""):
        (shared / f"{metrics_folder.PREFIX}{name.format(uid=os.getuid())}").touch()
    _, other, another, _ = run_server(shared)
    assert other and other == another
    assert first.name.rpartition("-")[2] != other.name.rpartition("-")[2]


def test_the_folder_that_is_given_is_made(shared: Path) -> None:
    given = shared / "given" / "here"
    assert run_server(shared, PROMETHEUS_MULTIPROC_DIR=str(given)) == [given] * 4
    assert given.is_dir()


def test_those_of_servers_that_are_gone_are_removed(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(shared))
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    left, lives = (metrics_folder.folder_of(pid) for pid in (gone.pid, os.getppid()))
    for folder in (left, lives):
        folder.mkdir()
        (folder / "counter_1.db").touch()
    # Where a link leads nothing is removed.
    target = shared.parent / "target"
    target.mkdir()
    (target / "kept").touch()
    link = shared / left.name.replace(left.name[-32:], "0" * 32)
    link.symlink_to(target)
    ours = metrics_folder.make(os.getpid())
    assert set(shared.iterdir()) == {lives, ours, link}
    assert (target / "kept").exists()

"""Scratch folders of processes that were killed are removed; those in use never."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.offload.scratch import ScratchFolder, remove_left

PROGRAM = """
from app.offload.scratch import ScratchFolder
scratch = ScratchFolder()
(scratch.path / "made").write_bytes(b"made")
print(scratch.path, flush=True)
input()
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files, here and in programs."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


@pytest.fixture
def other() -> Iterator[subprocess.Popen[str]]:
    """Another process with a scratch folder."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


def test_what_a_killed_process_has_left_is_removed_and_nothing_before(
    other: subprocess.Popen[str], temporary: Path
) -> None:
    assert other.stdout
    folder = Path(other.stdout.readline().strip())
    assert folder.parent == temporary
    remove_left()
    assert (folder / "made").exists()
    other.kill()
    other.wait()
    ScratchFolder().close()  # whoever makes one tidies up first
    assert not list(temporary.iterdir())


def test_what_only_looks_like_one_is_left_alone(temporary: Path) -> None:
    elsewhere = temporary / "elsewhere"
    elsewhere.mkdir()
    (temporary / "offload-run-link").symlink_to(elsewhere)
    (temporary / "offload-run-file").touch()
    remove_left()
    assert len(list(temporary.iterdir())) == 3
    assert elsewhere.exists()


def test_each_has_its_own_and_closing_removes_all_of_it(temporary: Path) -> None:
    one, other = ScratchFolder(), ScratchFolder()
    assert one.path != other.path
    (one.path / "folder").mkdir()
    (one.path / "folder" / "made").touch()
    one.close()
    assert list(temporary.iterdir()) == [other.path]
    other.close()

"""The note in the user's git folder on an update that is under way, and the lock beside it."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from fastoffload.errors import FastoffloadError, os_errors_expected
from fastoffload.git.repository import Entry
from fastoffload.git.worktree import WorkTree
from fastoffload.merging.merge import Stage

FOLDER = "fastoffload"


@dataclass(frozen=True, slots=True)
class Journal:
    """All that is needed to finish or undo it. Paths are those of the repository."""

    title: str
    prefix: str
    head: str
    after: str
    paths: list[str]
    stages: list[Stage]
    applied: bool = False

    @classmethod
    def read(cls, work: WorkTree) -> "Journal | None":
        """What is under way, or None. Who has committed the result has finished it."""
        try:
            journal = _parsed(_file(work).read_bytes())
        except FileNotFoundError:
            return None
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise FastoffloadError(f"{_file(work)} makes no sense; remove it") from error
        finished = journal.applied and journal.head != work.head()
        return None if finished else journal

    @classmethod
    def check_none(cls, work: WorkTree) -> None:
        """Raises when one is under way; forgets one that was finished by a commit."""
        if journal := cls.read(work):
            raise FastoffloadError(journal.state())
        _file(work).unlink(missing_ok=True)

    def state(self) -> str:
        """What happened, and what can be done about it."""
        where = f" in {self.prefix.removesuffix('/')}" if self.prefix else ""
        happened = "left conflicts" if self.applied else "was interrupted"
        remedies = "`fastoffload update --continue` finishes it, `--abort` undoes it"
        return f"{self.title}{where} {happened}; {remedies}"

    def write(self, work: WorkTree) -> None:
        """Stores it, whole or not at all, and on the disk when this returns."""
        file = _file(work)
        beside = file.with_suffix(".new")
        with beside.open("w", encoding="utf-8") as stream:
            json.dump(asdict(self), stream)
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(file)

    def remove(self, work: WorkTree) -> None:
        """Forgets it."""
        _file(work).unlink(missing_ok=True)


@contextmanager
def exclusive(work: WorkTree) -> Iterator[int]:
    """Keeps other fastoffloads away as long as we live, or a git that we hand the descriptor to."""
    file = _lock_file(work)
    with os_errors_expected():
        file.parent.mkdir(exist_ok=True)
        with file.open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise FastoffloadError(f"another fastoffload is at work in {work.root}") from error
            yield lock.fileno()


def is_locked(work: WorkTree) -> bool:
    """Whether another fastoffload is at work there now; writes nothing."""
    try:
        with _lock_file(work).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        pass
    return False


def _lock_file(work: WorkTree) -> Path:
    return work.git_dir / FOLDER / "lock"


def _file(work: WorkTree) -> Path:
    return work.git_dir / FOLDER / "update.json"


def _parsed(content: bytes) -> Journal:
    document = json.loads(content)
    stages = [Stage(Entry(**stage.pop("entry")), **stage) for stage in document.pop("stages")]
    return Journal(stages=stages, **document)

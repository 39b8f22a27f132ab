"""Helpers for the tests of your own kinds of jobs.

`run_directly` calls a kind's function as a run does, with nothing else running; `wait_for` follows
a job through the real service; `enqueued` says which jobs wait in a database.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import iscoroutinefunction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Generic, TypeVar
from uuid import uuid4

from pydantic import BaseModel
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session, scoped_session

from . import discovery
from .database.engines import options_for
from .database.tables import ENDED, Status, jobs
from .errors import Interrupted
from .kinds import Kind, dump_params, load_params
from .run import AtEnd, Run
from .running.calling import run_alone

P = TypeVar("P", bound=BaseModel)
R = TypeVar("R", bound=BaseModel)

Content = bytes | Path


@dataclass
class Outcome(Generic[R]):
    """What a run did."""

    result: R
    progress: list[float]
    artifacts: dict[str, bytes]
    at_end: list[AtEnd]

    def write_ends(self, connection: Connection) -> None:
        """Do what the run wanted written in the transaction that ends the job."""
        for write in self.at_end:
            write(connection)


@dataclass
class RecordedSignal:
    """Notes progress; lets the run go on `steps` times, then ends it as a stop does."""

    steps: int | None = None
    fractions: list[float] = field(default_factory=list)

    def progress(self, fraction: float) -> None:
        """Note the fraction."""
        self.fractions.append(fraction)
        self.check()

    def check(self) -> None:
        """Raises Interrupted when the steps are over."""
        if self.steps is not None:
            self.steps -= 1
            if self.steps < 0:
                raise Interrupted


class FolderFiles:
    """Inputs that a test gives, artifacts that it reads."""

    def __init__(self, folder: Path, inputs: Mapping[str, Content | Sequence[Content]]) -> None:
        self._folder, self._inputs = folder, inputs
        self.kept: dict[str, bytes] = {}

    def fetch(self, name: str, _folder: Callable[[], Path]) -> list[Path]:
        """The files of an input."""
        given = self._inputs.get(name, [])
        contents = [given] if isinstance(given, bytes | Path) else list(given)
        return [self._path(f"{name}-{number}", one) for number, one in enumerate(contents)]

    def keep(self, name: str, content: Content, _media_type: str) -> None:
        """Note an artifact."""
        if name in self.kept:
            raise ValueError(f"there is an artifact {name!r} already")
        self.kept[name] = content.read_bytes() if isinstance(content, Path) else content

    def _path(self, name: str, content: Content) -> Path:
        if isinstance(content, Path):
            return content
        path = self._folder / name
        path.write_bytes(content)
        return path


def run_directly(
    kind: Kind[P, R],
    params: P,
    *,
    files: Mapping[str, Content | Sequence[Content]] | None = None,
    attempt: int = 1,
    stop_after: int | None = None,
) -> Outcome[R]:
    """Run the function of a kind once, here; what it did.

    `files` has the inputs by name. With `stop_after`, the run is stopped as by a deployment when it
    has called `progress` or `check` so often, and Interrupted is raised. Raises what work raises.
    """
    work, signal = discovery.load_work(kind), RecordedSignal(stop_after)
    _check_files(kind, files or {})
    params = load_params(kind.params, dump_params(params))  # as a run reads them from its row
    with TemporaryDirectory() as folder:
        kept = FolderFiles(Path(folder), files or {})
        run = Run(uuid4(), attempt, signal, kept)
        try:
            result = work(run, params)
            if iscoroutinefunction(work):
                result = run_alone(result)
        finally:
            run.close()
    if not isinstance(result, kind.result):
        raise TypeError(f"the work of {kind.name} must return {kind.result.__name__}: {result!r}")
    return Outcome(result, signal.fractions, kept.kept, run.ends)


def _check_files(kind: Kind[Any, Any], files: Mapping[str, object]) -> None:
    needed = {name for name, limits in kind.inputs.items() if limits.required}
    if unknown := files.keys() - kind.inputs.keys():
        raise ValueError(f"{kind.name} has no input {sorted(unknown)[0]!r}")
    if missing := needed - files.keys():
        raise ValueError(f"{kind.name} needs a file {sorted(missing)[0]!r}")


def enqueued(session: Session | scoped_session[Any] | Connection, kind: Kind[P, Any]) -> list[P]:
    """The params of the jobs of a kind that have not ended, the oldest first."""
    connection = session if isinstance(session, Connection) else session.connection()
    waiting = (
        select(jobs.c.params)
        .where(jobs.c.kind == kind.name, jobs.c.status.not_in(ENDED))
        .order_by(jobs.c.id)
        .execution_options(**options_for(connection.dialect.name))
    )
    return [load_params(kind.params, params) for params in connection.execute(waiting).scalars()]


def wait_for(get: Callable[[str], Any], location: str, seconds: float = 60) -> dict[str, Any]:
    """The job at `location` once it has ended, through the real service.

    `get` is the `get` of an HTTP client such as `httpx.Client`. Raises TimeoutError, and what the
    client raises for an answer that is an error.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = get(location)
        answer.raise_for_status()
        job: dict[str, Any] = answer.json()
        if Status(job["status"]) in ENDED:
            return job
        time.sleep(0.05)
    raise TimeoutError(f"{location} has not ended after {seconds} s")

"""The helpers for tests of one's own kinds do as the service does."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import Field
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from app.offload.database.engines import get_engine, transact
from app.offload.errors import Interrupted, TransientError
from app.offload.kinds import Input, Kind
from app.offload.queue import ends
from app.offload.run import Run
from app.offload.settings import get_settings
from app.offload.testing import enqueued, run_directly, wait_for
from offload.rows.making import PROBE, Params, Result, add


def make(function: Any, **options: Any) -> Kind[Params, Result]:
    """A kind whose work this is."""
    kind = Kind("probe", Params, Result, **options)
    kind.work(function)
    return kind


def test_what_a_run_does_is_told() -> None:
    folders: list[Path] = []

    def work(run: Run, params: Params) -> Result:
        run.progress(0.25)
        folders.append(run.folder)
        (run.folder / "made").write_bytes(b"made")
        run.keep("one", run.folder / "made", "text/plain")
        run.keep("two", run.input("file").read_bytes(), "text/plain")
        run.at_end(lambda connection: connection.execute(text("CREATE TABLE t (n integer)")))
        return Result(number=params.number + len(run.inputs("file")))

    kind = make(work, inputs={"file": Input(many=2)})
    outcome = run_directly(kind, Params(number=5), files={"file": [b"first", b"second"]})
    assert (outcome.result, outcome.progress) == (Result(number=7), [0.25])
    assert outcome.artifacts == {"one": b"made", "two": b"first"}
    assert not folders[0].exists()
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        outcome.write_ends(connection)
        assert connection.execute(text("SELECT count(*) FROM t")).scalar_one() == 0
    engine.dispose()


class Partly(Params):
    """Params of which a part is not written down."""

    secret: str = Field(default="none", exclude=True)


def test_work_sees_what_its_row_would_hold() -> None:
    seen: list[Partly] = []

    def work(run: Run, params: Partly) -> Result:
        seen.append(params)
        return Result()

    kind = Kind("partly", Partly, Result)
    kind.work(work)
    run_directly(kind, Partly(number=3, secret="known to this process only"))
    assert seen == [Partly(number=3)]


def test_asynchronous_work_is_run_too() -> None:
    async def work(run: Run, params: Params) -> Result:
        await asyncio.sleep(0)
        return Result(number=run.attempt)

    assert run_directly(make(work), Params(), attempt=2).result == Result(number=2)


def test_a_file_of_the_test_s_is_given_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("content")
    seen: list[str] = []

    def work(run: Run, params: Params) -> Result:
        seen.append(run.input("file").read_text())
        return Result()

    kind = make(work, inputs={"file": Input()})
    run_directly(kind, Params(), files={"file": tmp_path / "in.txt"})
    assert seen == ["content"]


def test_a_stop_ends_the_run_where_it_looks_even_through_its_except() -> None:
    steps: list[int] = []
    folders: list[Path] = []

    def work(run: Run, params: Params) -> Result:
        folders.append(run.folder)
        for number in range(10):
            try:
                run.progress(number / 10)
                run.check()
            except Exception:
                continue
            steps.append(number)
        return Result()

    with pytest.raises(Interrupted):
        run_directly(make(work), Params(), stop_after=6)
    assert steps == [0, 1, 2]
    assert not folders[0].exists()


def transient(run: Run, params: Params) -> Result:
    raise TransientError("later")


def per_cent(run: Run, params: Params) -> Result:
    run.progress(50)
    return Result()


def twice(run: Run, params: Params) -> Result:
    run.keep("a", b"", "text/plain")
    run.keep("a", b"", "text/plain")
    return Result()


def a_path(run: Run, params: Params) -> Result:
    run.keep("../a", b"", "text/plain")
    return Result()


def something_else(run: Run, params: Params) -> Any:
    return {"number": 1}


def no_input(run: Run, params: Params) -> Result:
    run.input("file")
    return Result()


@pytest.mark.parametrize(
    ("work", "error", "said"),
    [
        (transient, TransientError, "later"),
        (per_cent, ValueError, "a fraction from 0 to 1, not 50"),
        (twice, ValueError, "there is an artifact 'a' already"),
        (a_path, ValueError, "an artifact cannot be called '../a'"),
        (something_else, TypeError, "the work of probe must return Result: {'number': 1}"),
        (no_input, KeyError, "no file came as the input 'file'"),
    ],
)
def test_what_would_fail_in_the_service_fails_here(
    work: Any, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said.replace("..", r"\.\.")):
        run_directly(make(work, inputs={"file": Input(required=False)}), Params())


def test_files_that_the_kind_does_not_take_or_needs() -> None:
    kind = make(no_input, inputs={"file": Input()})
    with pytest.raises(ValueError, match="probe has no input 'flie'"):
        run_directly(kind, Params(), files={"flie": b""})
    with pytest.raises(ValueError, match="probe needs a file 'file'"):
        run_directly(kind, Params())


@pytest.mark.parametrize("way", ["Session", "scoped_session", "Connection"])
def test_what_waits_is_told_by_a_session_of_one_s_own(database: Path, way: str) -> None:
    first = add()
    transact(ends.cancel, first)
    engine = create_engine(get_settings().sync_database_url)
    ways: dict[str, Any] = {
        "Session": lambda: Session(engine),
        "scoped_session": lambda: scoped_session(sessionmaker(engine)),
        "Connection": engine.connect,
    }
    session = ways[way]()
    PROBE.enqueue(session, Params(number=3))
    PROBE.enqueue(session, Params(number=4))
    assert enqueued(session, PROBE) == [Params(number=3), Params(number=4)]
    session.rollback()
    assert enqueued(session, PROBE) == []
    session.close()
    engine.dispose()


class Service:
    """An HTTP service whose job ends at its third look."""

    def __init__(self, *answers: httpx.Response) -> None:
        self._answers = list(answers)

    def get(self, _location: str) -> httpx.Response:
        """The next answer; the last one again and again."""
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        answer.request = httpx.Request("GET", "http://localhost/")
        return answer


def job(status: str) -> httpx.Response:
    return httpx.Response(200, json={"status": status})


def test_a_job_is_followed_to_its_end() -> None:
    service = Service(job("queued"), job("running"), job("failed"))
    assert wait_for(service.get, "/jobs/probe/1") == {"status": "failed"}


def test_a_job_that_does_not_end_or_is_not_there() -> None:
    with pytest.raises(TimeoutError, match=r"/jobs/probe/1 has not ended after 0.1 s"):
        wait_for(Service(job("running")).get, "/jobs/probe/1", seconds=0.1)
    with pytest.raises(httpx.HTTPStatusError, match="404"):
        wait_for(Service(httpx.Response(404)).get, "/jobs/probe/1")


def test_at_end_is_written_by_the_engine_s_own_connection(database: Path) -> None:
    def write(connection: Connection) -> None:
        connection.execute(text("SELECT 1"))

    def work(run: Run, params: Params) -> Result:
        run.at_end(write)
        return Result()

    outcome = run_directly(make(work), Params())
    with get_engine().begin() as connection:
        outcome.write_ends(connection)
    assert outcome.at_end == [write]

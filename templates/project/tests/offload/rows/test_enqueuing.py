"""A job is added in the caller's own transaction, and notified of once that is committed."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from threading import Barrier, Event, current_thread, main_thread
from typing import Any
from uuid import RFC_4122, UUID

import pytest
from opentelemetry.context import attach, detach
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from pydantic import BaseModel, ConfigDict, Field, computed_field
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import Session, scoped_session, sessionmaker
from structlog.contextvars import bound_contextvars

from app.offload import notifying
from app.offload.database.engines import read
from app.offload.database.tables import Status
from app.offload.errors import Refused
from app.offload.kinds import Input, Kind, load_params
from app.offload.queue import submit
from app.offload.queue.commits import notify_after
from app.offload.settings import get_settings
from offload.rows.making import (
    ON_SERVER,
    OTHER,
    PROBE,
    Params,
    Result,
    add,
    now,
    number_of_jobs,
    row,
    running,
    take,
)

LEVEL = "AUTOCOMMIT"
LIMIT_SECONDS = 60
OTHER_QUEUE = Kind("other", Params, Result, queue="slow")

pytestmark = pytest.mark.usefixtures("database")


@dataclass
class Notified:
    """Of which queues it was told, and how many jobs another connection saw each time."""

    queues: list[str] = field(default_factory=list)
    seen: list[int] = field(default_factory=list)

    def notify(self, queue: str) -> None:
        """Note it."""
        self.queues.append(queue)
        self.seen.append(number_of_jobs())


@pytest.fixture
def notified() -> Iterator[Notified]:
    """What is told that jobs wait."""
    notifier = Notified()
    notifying.use(notifier)
    yield notifier
    notifying.use(None)


@pytest.fixture
def theirs() -> Iterator[Engine]:
    """An engine as an application makes it, which knows nothing of us."""
    engine = create_engine(get_settings().sync_database_url)
    if engine.dialect.name == "sqlite":  # as SQLAlchemy's manual has it, for savepoints
        event.listen(engine, "connect", _no_begin_of_the_driver)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    yield engine
    engine.dispose()


def _no_begin_of_the_driver(connection: Any, _record: object) -> None:
    connection.isolation_level = None


class ModelSession(Session):
    """A subclass, as SQLModel's is."""


WAYS: dict[str, Callable[[Engine], Any]] = {
    "Session": Session,
    "subclass": ModelSession,
    "scoped_session": lambda engine: scoped_session(sessionmaker(engine)),
    "Connection": lambda engine: engine.connect(),
}


@pytest.fixture(params=WAYS)
def session(request: pytest.FixtureRequest, theirs: Engine) -> Iterator[Any]:
    """Whatever a caller reaches its database with."""
    session = WAYS[request.param](theirs)
    yield session
    session.close()


def test_a_job_is_there_when_the_caller_commits_and_notified_of_then(
    session: Any, notified: Notified
) -> None:
    job_id = PROBE.enqueue(session, Params(number=7), priority=3)
    assert (number_of_jobs(), notified.queues) == (0, [])
    session.commit()
    session.close()
    assert (notified.queues, notified.seen) == (["default"], [1])
    added = row(job_id)
    assert (added.status, added.params, added.priority) == (Status.QUEUED, {"number": 7}, 3)
    claimed = take()
    assert claimed is not None
    assert claimed.id == job_id


def test_there_is_none_and_no_notification_when_the_caller_rolls_back(
    session: Any, notified: Notified
) -> None:
    PROBE.enqueue(session, Params())
    session.rollback()
    session.execute(text("SELECT 1"))
    session.commit()
    session.close()
    assert (number_of_jobs(), notified.queues) == (0, [])


def test_a_session_that_is_just_closed_has_added_nothing(session: Any, notified: Notified) -> None:
    PROBE.enqueue(session, Params())
    session.close()
    assert (number_of_jobs(), notified.queues) == (0, [])


def test_several_jobs_of_a_transaction_are_one_notification_for_each_queue(
    session: Any, notified: Notified
) -> None:
    for kind in (PROBE, OTHER_QUEUE, PROBE):
        kind.enqueue(session, Params())
    session.commit()
    session.close()
    assert (sorted(notified.queues), notified.seen) == (["default", "slow"], [3, 3])


def test_a_savepoint_that_is_released_is_no_commit(session: Any, notified: Notified) -> None:
    session.execute(text("SELECT 1"))
    with session.begin_nested():
        PROBE.enqueue(session, Params())
    assert notified.queues == []
    session.commit()
    session.close()
    assert (notified.queues, notified.seen) == (["default"], [1])


def test_a_savepoint_that_is_rolled_back_takes_its_own_job_only(
    session: Any, notified: Notified
) -> None:
    kept = PROBE.enqueue(session, Params())
    savepoint = session.begin_nested()
    PROBE.enqueue(session, Params())
    savepoint.rollback()
    session.commit()
    session.close()
    assert (notified.queues, notified.seen) == (["default"], [1])
    assert row(kept).status == Status.QUEUED


def test_transaction_after_transaction_is_notified_of(session: Any, notified: Notified) -> None:
    for number in range(3):
        PROBE.enqueue(session, Params())
        session.commit()
        session.execute(text("SELECT 1"))  # what comes next
        assert len(notified.queues) == number + 1
        session.commit()
    session.close()
    assert notified.seen == [1, 2, 3]


def test_a_later_transaction_that_adds_none_is_rolled_back_as_ever(
    session: Any, notified: Notified
) -> None:
    PROBE.enqueue(session, Params())
    session.commit()
    session.execute(text("SELECT 1"))
    session.rollback()
    session.close()
    assert notified.queues == ["default"]


def test_a_session_within_somebody_else_s_transaction_is_not_notified_of_before_it(
    theirs: Engine, notified: Notified
) -> None:
    with theirs.connect() as connection:
        outer = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            PROBE.enqueue(session, Params())
            session.commit()
        assert notified.queues == []
        outer.commit()
    assert (notified.queues, notified.seen) == (["default"], [1])


class Counter(list[str]):
    """Counts the notifications."""

    notify = list.append


def test_each_of_many_short_lived_engines_is_notified_of(notified: Notified) -> None:
    counter = Counter()
    notifying.use(counter)

    def add_by_an_engine_of_its_own() -> None:
        engine = create_engine(get_settings().sync_database_url)
        with engine.begin() as connection:
            PROBE.enqueue(connection, Params())
        engine.dispose()

    number = 20 if ON_SERVER else 250  # one in a hundred has the address of an earlier one
    for _ in range(number):
        add_by_an_engine_of_its_own()
    assert len(counter) == number


def test_the_first_job_of_an_engine_breaks_no_transaction_that_begins_meanwhile(
    theirs: Engine, notified: Notified
) -> None:
    begun, added = Event(), Event()

    @event.listens_for(theirs, "begin")
    def wait_in_the_other_thread(_connection: Connection) -> None:
        if current_thread() is not main_thread():
            begun.set()
            assert added.wait(LIMIT_SECONDS)

    def begin() -> None:
        with theirs.connect() as connection, connection.begin():
            pass

    with ThreadPoolExecutor(1) as thread, theirs.connect() as connection:
        other = thread.submit(begin)
        assert begun.wait(LIMIT_SECONDS)
        notify_after(connection, PROBE.queue)
        added.set()
        other.result()


def test_a_connection_that_is_lost_is_rolled_back(theirs: Engine, notified: Notified) -> None:
    with theirs.connect() as connection:
        transaction = connection.begin()
        PROBE.enqueue(connection, Params())
        connection.invalidate()
        transaction.rollback()
        with connection.begin():  # on another one
            PROBE.enqueue(connection, Params())
    assert notified.seen == [1]


def test_blocks_that_commit_at_their_end(theirs: Engine, notified: Notified) -> None:
    with Session(theirs) as session, session.begin():
        PROBE.enqueue(session, Params())
    with theirs.begin() as connection:
        PROBE.enqueue(connection, Params())
    assert notified.seen == [1, 2]
    with pytest.raises(ArithmeticError), theirs.begin() as connection:
        PROBE.enqueue(connection, Params())
        raise ArithmeticError
    assert notified.seen == [1, 2]


def test_an_idempotency_key_gives_the_job_there_is(session: Any, notified: Notified) -> None:
    first = PROBE.enqueue(session, Params(), idempotency_key="k")
    assert PROBE.enqueue(session, Params(number=2), idempotency_key="k") == first
    session.commit()
    assert PROBE.enqueue(session, Params(), idempotency_key="k") == first
    other = OTHER_QUEUE.enqueue(session, Params(), idempotency_key="k")  # of another kind
    session.commit()
    assert first != other
    assert number_of_jobs() == 2


def test_an_idempotency_key_that_two_use_at_once_is_one_job(theirs: Engine) -> None:
    begin = Barrier(2)

    def add(_number: int) -> UUID:
        begin.wait()
        with theirs.begin() as connection:
            if theirs.dialect.name == "sqlite":
                connection.exec_driver_sql("ROLLBACK")
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            return PROBE.enqueue(connection, Params(), idempotency_key="k")

    with ThreadPoolExecutor(2) as threads:
        assert len(set(threads.map(add, range(2)))) == 1
    assert number_of_jobs() == 1


def test_an_idempotency_key_that_is_used_after_it_was_looked_for_gives_the_job_there_is(
    session: Any, notified: Notified
) -> None:
    quicker: list[UUID | None] = []

    def prepare(connection: Connection, params: Params) -> Params:
        new = submit.NewJob(kind=kind, params={}, idempotency_key="k")
        quicker.append(submit.insert(connection, new))
        return params

    kind = Kind("probe", Params, Result, prepare=prepare)
    assert kind.enqueue(session, Params(), idempotency_key="k") == quicker[0]
    session.commit()
    session.close()
    assert (number_of_jobs(), notified.queues) == (1, [])


def test_who_asked_is_in_the_row(session: Any) -> None:
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    asked = attach(TraceContextTextMapPropagator().extract({"traceparent": traceparent}))
    with bound_contextvars(request_id="asked"):
        job_id = PROBE.enqueue(session, Params())
    detach(asked)
    session.commit()
    assert (row(job_id).request_id, row(job_id).traceparent) == ("asked", traceparent)


def test_a_delay_is_in_the_row(session: Any) -> None:
    at = now() + timedelta(hours=1)
    job_id = PROBE.enqueue(session, Params(), run_at=at)
    past = PROBE.enqueue(session, Params(), run_at=now() - timedelta(hours=1))
    session.commit()
    assert (row(job_id).status, row(job_id).run_at) == (Status.DELAYED, at)
    assert row(past).status == Status.QUEUED


def test_prepare_pins_and_refuses_in_the_caller_s_transaction(session: Any) -> None:
    connections: list[Connection] = []

    def prepare(connection: Connection, params: Params) -> Params:
        connections.append(connection)
        if params.number < 0:
            raise Refused(404, "There is no such number.")
        counted = connection.execute(text("SELECT count(*) FROM pinned")).scalar_one()
        return Params(number=counted)

    kind = Kind("probe", Params, Result, prepare=prepare)
    session.execute(text("DROP TABLE IF EXISTS pinned"))
    session.execute(text("CREATE TABLE pinned (n integer)"))
    session.execute(text("INSERT INTO pinned VALUES (1)"))
    job_id = kind.enqueue(session, Params(number=99))
    with pytest.raises(Refused):
        kind.enqueue(session, Params(number=-1))
    session.commit()
    assert row(job_id).params == {"number": 1}
    assert len({id(each) for each in connections}) == 1


def test_by_default_a_job_is_as_urgent_as_one_that_a_request_asks_for(session: Any) -> None:
    enqueued = PROBE.enqueue(session, Params())
    session.commit()
    assert row(enqueued).priority == row(add()).priority


def test_of_a_kind_those_that_wait_are_counted_up_to_a_limit() -> None:
    running()
    for kind in (PROBE, OTHER, PROBE, PROBE):
        add(kind)
    assert [read(submit.count_waiting, PROBE, most) for most in (2, 9)] == [2, 3]


def test_an_id_rises_with_time_as_a_uuid_of_version_7_does() -> None:
    ids = []
    for _ in range(20):
        before = time.time_ns() // 1_000_000
        ids.append(submit.new_id())
        assert before <= ids[-1].int >> 80 <= time.time_ns() // 1_000_000
    assert {(each.version, each.variant) for each in ids} == {(7, RFC_4122)}
    assert len(set(ids)) == len(ids)


def test_what_would_never_run_is_refused_at_once(session: Any) -> None:
    needs_a_file = Kind("scan", Params, Result, inputs={"page": Input()})
    with pytest.raises(ValueError, match="needs a file 'page'"):
        needs_a_file.enqueue(session, Params())
    with pytest.raises(TypeError, match="probe takes Params, not Result"):
        PROBE.enqueue(session, Result())  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="time zone"):
        PROBE.enqueue(session, Params(), run_at=now().replace(tzinfo=None))


class Renamed(BaseModel):
    """Params whose JSON is not called as its fields are."""

    model_config = ConfigDict(extra="forbid", strict=True)

    since: date = Field(alias="from")

    @computed_field  # type: ignore[prop-decorator]
    @property
    def year(self) -> int:
        """What nobody sends."""
        return self.since.year


def test_what_stands_in_the_row_is_what_the_model_takes(session: Any) -> None:
    kind = Kind("renamed", Renamed, Result)
    params = Renamed.model_validate({"from": date(2026, 1, 31)})
    job_id = kind.enqueue(session, params)
    session.commit()
    assert row(job_id).params == {"from": "2026-01-31"}
    assert load_params(Renamed, row(job_id).params) == params


@asynccontextmanager
async def asynchronous() -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(get_settings().async_database_url)
    yield engine
    await engine.dispose()


async def add_by_session(engine: AsyncEngine, *, commits: bool) -> None:
    async with AsyncSession(engine) as session:
        await PROBE.enqueue(session, Params(number=1))
        async with session.begin_nested():
            await PROBE.enqueue(session, Params(number=2), idempotency_key="k")
        await (session.commit() if commits else session.rollback())


async def add_by_connection(engine: AsyncEngine, *, commits: bool) -> None:
    async with engine.connect() as connection:
        await PROBE.enqueue(connection, Params(number=1))
        await PROBE.enqueue(connection, Params(number=2), idempotency_key="k")
        await (connection.commit() if commits else connection.rollback())


@pytest.mark.parametrize("add", [add_by_session, add_by_connection])
@pytest.mark.parametrize("commits", [True, False])
def test_asynchronous_callers_await_it(
    add: Callable[..., Awaitable[None]], commits: bool, notified: Notified
) -> None:
    async def run() -> None:
        async with asynchronous() as engine:
            await add(engine, commits=commits)

    asyncio.run(run())
    assert (notified.queues, notified.seen) == ((["default"], [2]) if commits else ([], []))
    assert number_of_jobs() == (2 if commits else 0)


@pytest.mark.parametrize("by", ["create_engine", "engine", "connection"])
def test_where_each_statement_is_a_transaction_notification_is_at_once(
    by: str, notified: Notified
) -> None:
    url = get_settings().sync_database_url
    engine = create_engine(url, **({"isolation_level": LEVEL} if by == "create_engine" else {}))
    if by == "engine":
        engine = engine.execution_options(isolation_level=LEVEL)
    with engine.connect() as connection:
        if by == "connection":
            connection = connection.execution_options(isolation_level=LEVEL)
        PROBE.enqueue(connection, Params())
        assert (notified.queues, notified.seen) == (["default"], [1])
    assert notified.queues == ["default"]  # and not again
    engine.dispose()


@pytest.mark.skipif(not ON_SERVER, reason="SQLite has no two-phase commit")
@pytest.mark.parametrize("commits", [True, False])
def test_a_commit_in_two_phases(theirs: Engine, notified: Notified, commits: bool) -> None:
    with theirs.connect() as connection:
        if connection.execute(text("SHOW max_prepared_transactions")).scalar_one() == "0":
            pytest.skip("the server's max_prepared_transactions is 0")
    with Session(theirs, twophase=True) as session:
        PROBE.enqueue(session, Params())
        session.prepare()
        assert notified.queues == []
        (session.commit if commits else session.rollback)()
    assert (notified.queues, notified.seen) == ((["default"], [1]) if commits else ([], []))
    assert number_of_jobs() == int(commits)


def test_a_database_that_keeps_no_jobs_is_named(notified: Notified, tmp_path: Path) -> None:
    elsewhere = create_engine(f"sqlite:///{tmp_path / 'elsewhere.db'}")
    with Session(elsewhere) as session, pytest.raises(ValueError, match=r"writing_async") as caught:
        PROBE.enqueue(session, Params())
    assert "elsewhere.db" in str(caught.value)
    assert "\n" not in str(caught.value)
    elsewhere.dispose()

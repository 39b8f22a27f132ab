"""What the database says of jobs, and what asking it costs."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from prometheus_client.core import Metric
from pydantic import BaseModel
from sqlalchemy import Connection, event, insert, text

from app.offload.database.clock import after
from app.offload.database.engines import (
    dispose_async_engine,
    get_async_engine,
    get_engine,
    read,
    transact,
)
from app.offload.database.tables import Status, jobs, statistics
from app.offload.kinds import Kind
from app.offload.observing import job_metrics
from app.offload.observing.job_metrics import JobMetrics
from app.offload.queue import ends, submit
from app.offload.settings import get_settings

QUEUES = {"probe": "default", "scan": "slow"}


class Nothing(BaseModel):
    """What a job takes and gives."""


PROBE = Kind("probe", Nothing, Nothing)


def add(**values: Any) -> UUID:
    new = submit.NewJob(kind=PROBE, params={}, **values)
    transact(submit.insert, new)
    return new.id


def execute(connection: Connection, statement: Any) -> Any:
    return connection.execute(statement)


def explain(connection: Connection, statement: Any) -> str:
    """How SQLite looks for the rows."""
    sql = statement.compile(get_engine(), schema_translate_map={"offload": None})
    steps = connection.execute(text(f"EXPLAIN QUERY PLAN {sql}"))
    return " ".join(step.detail for step in steps)


def samples(families: Any, name: str) -> dict[tuple[str, ...], float]:
    """The values of a metric by the values of its labels."""
    return {
        tuple(sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
        if sample.name == name
    }


def found() -> list[Metric]:
    return read(job_metrics.of_jobs, QUEUES)


def test_what_has_not_ended_is_counted_and_what_there_is_none_of_is_zero(database: None) -> None:
    waiting, other = add(), add()
    transact(execute, jobs.update().where(jobs.c.id == waiting).values(run_at=after(-60)))
    transact(ends.cancel, other)
    add(run_at=datetime.now(UTC) + timedelta(hours=1))
    families = found()
    assert samples(families, "offload_jobs") == {
        ("probe", "default", "queued"): 1,
        ("probe", "default", "delayed"): 1,
        ("probe", "default", "running"): 0,
        **{("scan", "slow", status): 0 for status in ("queued", "delayed", "running")},
    }
    oldest = samples(families, "offload_oldest_queued_seconds")
    assert 60 <= oldest["default",] < 120
    assert oldest["slow",] == 0


def test_run_times_are_a_histogram_by_kind_and_status(database: None) -> None:
    for up_to, *numbers in [(0.25, 3, 4, 0.5), (1.0, 1, 1, 0.7), (1e308, 1, 2, 700.0)]:
        values = dict(zip(("jobs", "attempts", "seconds"), numbers, strict=True))
        key = {"kind": "probe", "status": Status.FAILED, "up_to_seconds": up_to}
        transact(execute, insert(statistics).values(key | values))
    families = found()
    buckets = samples(families, "offload_run_seconds_bucket")
    labels = ("probe", "failed")
    bounds = ("0.1", "0.25", "0.5", "1.0", "600.0", "+Inf")
    assert [buckets[*labels, bound] for bound in bounds] == [0, 3, 3, 4, 4, 5]
    assert samples(families, "offload_run_seconds_sum")[labels] == pytest.approx(701.2)
    assert samples(families, "offload_attempts_total")[labels] == 7


def test_ended_jobs_cost_nothing(database: None) -> None:
    if get_engine().dialect.name != "sqlite":
        pytest.skip("PostgreSQL rightly scans tables as small as this one")
    for status, statement in job_metrics._COUNT.items():
        assert f"INDEX ix_offload_jobs_{status}" in read(explain, statement)


def test_many_who_ask_at_once_cost_one_query_and_no_more_while_it_is_fresh(
    database: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_metrics, "FRESH_SECONDS", 3600.0)

    async def main() -> int:
        asked = 0

        def count(*_: object) -> None:
            nonlocal asked
            asked += 1

        event.listen(get_async_engine().sync_engine, "begin", count)
        metrics = JobMetrics(QUEUES)
        await asyncio.gather(*(metrics.get() for _ in range(20)))
        assert await metrics.get()
        await dispose_async_engine()
        return asked

    assert asyncio.run(main()) == 1


def test_a_slow_answer_is_kept_for_longer(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    # The clock of a machine on which each look at it takes a second.
    seconds = iter(range(10_000))
    monkeypatch.setattr(job_metrics, "monotonic", lambda: float(next(seconds)))
    asked: list[int] = []

    async def ask(_: object, __: object) -> list[Metric]:
        asked.append(1)
        return []

    monkeypatch.setattr(job_metrics, "read_async", ask)

    async def main() -> None:
        metrics = JobMetrics(QUEUES)
        for _ in range(6):
            await metrics.get()

    asyncio.run(main())
    assert len(asked) == 1


def test_without_a_database_there_are_none_and_no_failure(
    database: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1:1/none")
    get_settings.cache_clear()
    assert list(asyncio.run(JobMetrics(QUEUES).get())) == []

"""Each look is a seek in an index, however many jobs wait or have ended; beats touch no index."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, inspect, text

from app.offload.database.engines import get_engine, transact
from app.offload.database.tables import SCHEMA, Status
from app.offload.errors import LeaseLost
from app.offload.queue import claim, ends, retention, submit, sweep
from offload.rows.making import ON_SERVER, fill, now, running

QUEUED, ENDED = 20_000, 50_000
BEATS = 100
LEAST_HOT = 0.8  # of a hundred beats; a page that is full takes one that is not

COUNTED = text(  # by this connection, whose counts PostgreSQL passes on from time to time
    "SELECT pg_stat_get_xact_tuples_updated(oid), pg_stat_get_xact_tuples_hot_updated(oid)"
    " FROM pg_class WHERE oid = 'offload.offload_jobs'::regclass"
)


@pytest.fixture(scope="module")
def many(migrated_once: Path) -> None:
    """Many jobs that wait, and more that have ended."""
    fill(QUEUED, Status.QUEUED)
    fill(ENDED, Status.SUCCEEDED, finished_at=now())
    fill(100, Status.DELAYED)
    transact(lambda connection: connection.execute(text("ANALYZE")))


def plan_of(function: Callable[..., Any], *args: Any, **options: Any) -> str:
    """How the database finds the rows of the last statement of the function."""
    seen: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if not statement.startswith(("SET", "BEGIN")):
            seen.append((statement, parameters))

    def explain(connection: Connection) -> str:
        event.listen(connection, "before_cursor_execute", note)
        function(connection, *args, **options)
        event.remove(connection, "before_cursor_execute", note)
        word = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
        found = connection.exec_driver_sql(f"{word} {seen[-1][0]}", seen[-1][1])
        return "\n".join(str(line[-1]) for line in found)

    return transact(explain)


def fail_for_nobody(connection: Connection) -> None:
    """End what this run does not hold: it looks whether it has ended it already."""
    with suppress(LeaseLost):
        ends.fail(connection, ends.Lease(submit.new_id(), "t"), ends.WORK_FAILED)


LOOKS: dict[str, tuple[str, Callable[..., Any], tuple[Any, ...], dict[str, Any]]] = {
    "claim": (
        "ix_offload_jobs_queued",
        claim.claim_next,
        (),
        {"queue": "default", "kinds": ("probe",), "token": "t", "worker": "w"},
    ),
    "held": ("ix_offload_jobs_running", claim.find_held, ("t",), {}),
    "watched": ("ix_offload_jobs_running", claim.watched, ("t",), {}),
    "renew": ("ix_offload_jobs_running", claim.renew, ("t",), {}),
    "progress": ("ix_offload_jobs_running", claim.note_progress, ("t", 0.5), {}),
    "lost answer": (
        "offload_jobs_pkey" if ON_SERVER else "sqlite_autoindex_offload_jobs_1",
        fail_for_nobody,
        (),
        {},
    ),
    "due": ("ix_offload_jobs_delayed", sweep.promote_due, (), {}),
    "lapsed": ("ix_offload_jobs_running", sweep.recover_lapsed, (60.0,), {}),
    "waiting": ("ix_offload_jobs_queued", sweep.waiting, ("default",), {}),
    "expired": (
        "ix_offload_jobs_finished",
        retention.expired,
        (now() - timedelta(days=30),),
        {},
    ),
    "key": ("uq_offload_jobs_idempotency_key", submit.find_by_key, ("probe", "key"), {}),
}


@pytest.mark.parametrize("look", LOOKS)
def test_a_look_is_a_seek_in_an_index(many: None, look: str) -> None:
    index, function, args, options = LOOKS[look]
    plan = plan_of(function, *args, **options)
    assert index in plan, plan
    assert "Seq Scan" not in plan, plan
    assert "TEMP B-TREE" not in plan, plan  # SQLite: sorted after it was read
    if look == "due":
        assert "Index Cond" in plan or "run_at<?" in plan, plan  # and no walk over all of them
    if look in ("claim", "waiting"):
        assert "Sort" not in plan, plan


def test_no_index_names_what_a_beat_writes(many: None) -> None:
    schema = SCHEMA if get_engine().dialect.name == "postgresql" else None
    indexes = inspect(get_engine()).get_indexes("offload_jobs", schema=schema)
    assert len(indexes) > 4
    for index in indexes:
        named = f"{index['column_names']} {index.get('dialect_options')}"
        assert not [name for name in ("lease_expires_at", "progress", "version") if name in named]


@pytest.mark.skipif(not ON_SERVER, reason="SQLite has no heap-only tuples")
def test_beats_are_heap_only(many: None) -> None:
    job = running("token-beats")
    counted = [
        transact(beat, job.lease_token, number / BEATS, below=2.0) for number in range(BEATS)
    ]
    written, hot = (sum(column) for column in zip(*counted, strict=True))
    assert written == 2 * BEATS
    assert hot >= LEAST_HOT * written


def beat(connection: Connection, token: str, fraction: float, below: float) -> tuple[int, int]:
    """What a watcher writes; how many rows were, and how many of them without an index."""
    written, hot = connection.execute(COUNTED).one()
    claim.note_progress(connection, token, fraction)
    claim.renew(connection, token, below=below)
    written_now, hot_now = connection.execute(COUNTED).one()
    return written_now - written, hot_now - hot

"""One look for all watchers, on a real database."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event, text
from structlog.testing import capture_logs

from app import jobs
from app.database import get_async_engine, reading, transact
from app.models import Dataset, Report, Status, now
from app.settings import get_settings
from app.watch import NEWEST, Watch, Watcher
from unit.rows import add_report

LIMIT_SECONDS = 60


def in_loop(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a test on an event loop of its own."""

    async def run() -> None:
        async with asyncio.timeout(LIMIT_SECONDS):
            await test()
        await get_async_engine().dispose()

    asyncio.run(run())


@contextmanager
def counted_statements() -> Iterator[list[str]]:
    """What the API asks the database meanwhile."""
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    engine = get_async_engine().sync_engine
    event.listen(engine, "before_cursor_execute", note)
    yield statements
    event.remove(engine, "before_cursor_execute", note)


async def take(watch: Watch) -> list[dict[str, Any]]:
    return [json.loads(state.json) for state in await watch.take()]


def version(report: Report) -> int:
    with reading() as session:
        return session.get_one(Report, report.id).version


def test_the_version_rises_with_what_callers_see_and_with_nothing_else(report: Report) -> None:
    def load(session: Any) -> Report:
        return session.get_one(Report, report.id)  # type: ignore[no-any-return]

    def forget_attempts(session: Any) -> None:
        load(session).ring_at = now() + timedelta(hours=1)

    steps: list[tuple[Callable[[], object], int]] = [
        (lambda: transact(jobs.claim, report.id, "a"), 1),
        (lambda: transact(jobs.beat, "a", 0.0), 0),
        (lambda: transact(jobs.beat, "a", 0.5), 1),
        (lambda: transact(jobs.beat, "a", 0.5), 0),
        (lambda: transact(jobs.renew, ["a"]), 0),
        (lambda: transact(jobs.release, "a", "code", "why"), 1),
        (lambda: transact(forget_attempts), 0),
        (lambda: transact(jobs.claim, report.id, "b"), 1),
        (lambda: transact(jobs.release_uncounted, "b"), 1),
        (lambda: transact(jobs.claim, report.id, "c"), 1),
        (lambda: transact(lambda session: jobs.cancel(load(session))), 1),
        (lambda: transact(jobs.end_cancelled, "c"), 1),
        (lambda: transact(lambda session: jobs.retry(load(session))), 1),
        (lambda: transact(jobs.claim, report.id, "d"), 1),
        (lambda: transact(jobs.fail, "d", "code", "why"), 1),
        (lambda: transact(lambda session: jobs.retry(load(session))), 1),
        (lambda: transact(jobs.claim, report.id, "e"), 1),
        (lambda: transact(jobs.finish, "e", {"mean": 1}, "key"), 1),
    ]
    for number, (step, rise) in enumerate(steps):
        before = version(report)
        step()
        assert version(report) == before + rise, f"step {number}"


@pytest.mark.parametrize("different", [True, False], ids=["own reports", "one report"])
def test_a_thousand_watchers_cost_as_many_queries_as_one(dataset: Dataset, different: bool) -> None:
    reports = [add_report(dataset) for _ in range(1000 if different else 1)]

    async def queries(number: int) -> int:
        watcher = Watcher()
        with ExitStack() as stack, counted_statements() as statements:
            watches = [
                stack.enter_context(watcher.watch(reports[i % len(reports)].id))
                for i in range(number)
            ]
            for progress in (0.0, 0.1, 0.2):
                transact(jobs.beat, "a", progress)
                await watcher.look()
                await watcher.look()  # nothing has changed
            assert [len(await watch.take()) for watch in watches] == [1] * number
        return len(statements)

    async def compare() -> None:
        transact(jobs.claim, reports[0].id, "a")
        assert await queries(1) == await queries(1000) > 0

    in_loop(compare)


def test_nobody_costs_nothing(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(get_settings(), "watch_seconds", 0.001)

    async def test() -> None:
        watcher = Watcher()
        running = asyncio.create_task(watcher.run())
        with watcher.watch(report.id) as watch:
            await watch.take()
        await asyncio.sleep(0.05)  # for a look that is under way
        with counted_statements() as statements:
            await asyncio.sleep(0.1)
        assert statements == []
        running.cancel()

    in_loop(test)


def test_who_is_slow_gets_the_last_state_only(report: Report) -> None:
    async def test() -> None:
        watcher = Watcher()
        with watcher.watch(report.id) as slow, watcher.watch(report.id) as quick:
            transact(jobs.claim, report.id, "a")
            for progress in (0.1, 0.2, 0.3):
                transact(jobs.beat, "a", progress)
                await watcher.look()
                assert [state["progress"] for state in await take(quick)] == [progress]
            assert [state["progress"] for state in await take(slow)] == [0.3]

    in_loop(test)


def test_who_comes_late_gets_the_state_at_once_and_nobody_else_does(report: Report) -> None:
    async def test() -> None:
        watcher = Watcher()
        with watcher.watch(report.id) as first:
            await watcher.look()
            await first.take()
            with watcher.watch(report.id) as second:
                await watcher.look()
                assert [state["status"] for state in await take(second)] == ["queued"]
                first.close()
                assert await first.take() == []

    in_loop(test)


def test_an_outage_only_delays(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(get_settings(), "watch_seconds", 0.01)

    async def test() -> None:
        watcher = Watcher()
        running = asyncio.create_task(watcher.run())
        with watcher.watch(report.id) as watch:
            await watch.take()
            _rename("reports", "away")
            await asyncio.sleep(0.2)  # several looks in vain
            _rename("away", "reports")
            transact(jobs.claim, report.id, "a")
            assert [state["status"] for state in await take(watch)] == ["running"]
        running.cancel()

    with capture_logs() as logs:
        in_loop(test)
    assert [line["event"] for line in logs] == ["watchers_wait"]


def _rename(old: str, new: str) -> None:
    transact(lambda session: session.execute(text(f"ALTER TABLE {old} RENAME TO {new}")))


def test_an_unknown_report_closes_its_watch(database: str) -> None:
    async def test() -> None:
        watcher = Watcher()
        with watcher.watch(uuid4()) as watch:
            await watcher.look()
            assert await watch.take() == []

    in_loop(test)


def test_all_that_is_current_can_be_watched(dataset: Dataset) -> None:
    old, running, *newest = [add_report(dataset) for _ in range(NEWEST + 2)]
    transact(jobs.claim, running.id, "a")
    for number, report in enumerate((old, *newest)):
        transact(jobs.claim, report.id, f"b{number}")
        transact(jobs.finish, f"b{number}", {}, "key")

    async def test() -> None:
        watcher = Watcher()
        with watcher.watch() as watch:
            await watcher.look()
            found = {state["id"] for state in await take(watch)}
            assert found == {str(report.id) for report in (running, *newest)}
            transact(jobs.fail, "a", "code", "why")
            await watcher.look()
            (ended,) = await take(watch)
            assert (ended["id"], ended["status"]) == (str(running.id), Status.FAILED)
            quick = add_report(dataset)
            transact(jobs.claim, quick.id, "c")
            transact(jobs.finish, "c", {}, "key")
            await watcher.look()
            assert [state["id"] for state in await take(watch)] == [str(quick.id)]

    in_loop(test)


def test_a_stop_closes_all_watches_and_those_to_come(report: Report) -> None:
    async def test() -> None:
        watcher = Watcher()
        with watcher.watch(report.id) as one, watcher.watch() as every:
            watcher.stop()
            assert await one.take() == await every.take() == []
        with watcher.watch() as late:
            assert await late.take() == []

    in_loop(test)

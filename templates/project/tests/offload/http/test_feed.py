"""Who watches while the database is away, and who is slow to take what there is."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID

import pytest
from job_site import CLIP
from sqlalchemy import text
from structlog.testing import capture_logs

from app.offload.database.engines import dispose_async_engine, transact
from app.offload.http.feed import Feed, Watch
from app.offload.queue import claim, submit
from offload.rows.making import ON_SERVER

LIMIT_SECONDS = 60
TOKEN = "a"


@pytest.fixture
def job(database: None) -> UUID:
    """A job that waits."""
    new = submit.NewJob(kind=CLIP, params={"height": 2})
    transact(submit.insert, new)
    return new.id


def in_loop(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run it on an event loop of its own."""

    async def run() -> None:
        try:
            async with asyncio.timeout(LIMIT_SECONDS):
                await test()
        finally:
            await dispose_async_engine()

    asyncio.run(run())


def begin() -> None:
    claimed = transact(
        claim.claim_next, queue="default", kinds=["clip"], token=TOKEN, worker="host:1"
    )
    assert claimed is not None


async def taken(watch: Watch) -> list[tuple[str, float]]:
    """The states that it is given: status and progress."""
    return [(s.job.row.status, s.job.row.progress) for s in await watch.take()]


def test_who_is_slow_gets_the_last_state_and_holds_up_nobody(job: UUID) -> None:
    async def test() -> None:
        feed = Feed()
        slow, quick, every = feed.watch(job), feed.watch(job), feed.watch()
        begin()
        for progress in (0.1, 0.2, 0.3):
            transact(claim.note_progress, TOKEN, progress)
            await feed.look()
            assert await taken(quick) == [("running", progress)]
        assert await taken(slow) == await taken(every) == [("running", 0.3)]

    in_loop(test)


class NotingFeed(Feed):
    """A feed that notes each look in vain."""

    def __init__(self) -> None:
        super().__init__()
        self.in_vain: asyncio.Queue[Exception] = asyncio.Queue()

    async def look(self) -> None:
        """Look, and note why it was in vain."""
        try:
            await super().look()
        except Exception as error:
            self.in_vain.put_nowait(error)
            raise


def rename(old: str, new: str) -> None:
    """Have the table under another name."""
    schema = "offload." if ON_SERVER else ""
    transact(lambda c: c.execute(text(f"ALTER TABLE {schema}{old} RENAME TO {new}")))


def test_an_outage_only_delays_and_is_told_once(job: UUID) -> None:
    async def test() -> None:
        feed = NotingFeed()
        running = asyncio.create_task(feed.run())
        watch = feed.watch(job)
        assert await taken(watch) == [("queued", 0.0)]
        rename("offload_jobs", "away")
        for _ in range(3):
            await feed.in_vain.get()
        rename("away", "offload_jobs")
        begin()
        assert await taken(watch) == [("running", 0.0)]
        assert not running.done()
        running.cancel()

    with capture_logs() as logs:
        in_loop(test)
    assert [line["event"] for line in logs].count("watchers_wait") == 1

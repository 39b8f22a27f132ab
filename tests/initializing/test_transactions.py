"""A job added in the application's own transaction: there if that commits, notified of once."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from conftest import Cli

from initializing.conftest import LIMIT_SECONDS, LayOut
from initializing.serving import served
from initializing.shapes import SHAPES, Shape, py

DB = """
    from sqlalchemy import create_engine, event
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_engine("sqlite:///shop.db")
    asynchronous = create_async_engine("sqlite+aiosqlite:///shop.db")
    for one in (engine, asynchronous.sync_engine):  # as SQLAlchemy's manual has it, for savepoints
        event.listen(one, "connect", lambda driver, _: setattr(driver, "isolation_level", None))
        event.listen(one, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    """
ORDERS = '''
    """Orders of a shop, each with a job. What notifies is counted, by the request that does."""

    import asyncio

    from fastapi import APIRouter
    from sqlalchemy.ext.asyncio import AsyncSession
    from sqlalchemy.orm import Session
    from sqlmodel import Session as ModelSession

    from shop import db

    router = APIRouter()


    class Counter:
        def __init__(self, inner):
            self.inner, self.by = inner, []

        def notify(self, queue):
            try:
                self.by.append(asyncio.current_task())
            except RuntimeError:  # the sweep, on a thread
                pass
            self.inner.notify(queue)


    async def added(session, end):
        """Adds as it is asked to, and says how often was notified before the end."""
        from shop.jobs.blank.kind import KIND, BlankParams

        async def wait(what):
            return await what if hasattr(what, "__await__") else what

        if end == "one of two":
            await wait(KIND.enqueue(session, BlankParams(steps=1)))
        if end == "committed" or end == "rolled back":
            await wait(KIND.enqueue(session, BlankParams(steps=1)))
        else:
            savepoint = await wait(session.begin_nested())
            await wait(KIND.enqueue(session, BlankParams(steps=1)))
            await wait(savepoint.rollback() if end == "one of two" else savepoint.commit())
        early = notified()
        is_kept = end in {"committed", "savepoint", "one of two"}
        await wait(session.commit() if is_kept else session.rollback())
        return early


    def notified():
        from shop.offload import notifying

        if not isinstance(notifying._Current.notifier, Counter):
            notifying.use(Counter(notifying._Current.notifier))
        return notifying._Current.notifier.by.count(asyncio.current_task())


    @router.post("/orders/{way}/{end}")
    async def order(way: str, end: str):
        notified()
        if way == "AsyncSession":
            async with AsyncSession(db.asynchronous) as session:
                early = await added(session, end)
        else:
            with {"Session": Session, "SQLModel": ModelSession}[way](db.engine) as session:
                early = await added(session, end)
        return [early, notified()]
    '''
WAYS = ("Session", "AsyncSession", "SQLModel")
ENDS = {
    "committed": [0, 1],
    "savepoint": [0, 1],
    "one of two": [0, 1],
    "rolled back": [0, 0],
    "savepoint, rolled back": [0, 0],
}


def test_there_if_it_commits_and_notified_of_once(
    cli: Cli, lay_out: LayOut, environment: Path
) -> None:
    files = SHAPES["a lifespan"].files | {"shop/db.py": py(DB), "shop/orders.py": py(ORDERS)}
    line = "app = FastAPI(lifespan=lifespan)\n"
    files["shop/main.py"] = files["shop/main.py"].replace(
        line, f"{line}from shop.orders import router\napp.include_router(router)\n"
    )
    root = lay_out(Shape(files))
    done = cli("init", "--strategy", "executor", "--yes", cwd=root)
    assert done.returncode == 0, done.stderr
    with served(root, Shape(files), environment, {}) as client:
        found = {
            (way, end): client.post(f"/orders/{way}/{end}").json() for way in WAYS for end in ENDS
        }
        assert found == {(way, end): times for way in WAYS for end, times in ENDS.items()}
        kept = len(WAYS) * sum(last for _, last in ENDS.values())
        with closing(sqlite3.connect(root / "shop.db")) as database:
            limit = time.monotonic() + LIMIT_SECONDS
            while statuses(database) != ["succeeded"] * kept:
                assert time.monotonic() < limit, statuses(database)
                time.sleep(0.05)


def statuses(database: sqlite3.Connection) -> list[str]:
    """Of all jobs that there are."""
    return [status for (status,) in database.execute("SELECT status FROM offload_jobs")]

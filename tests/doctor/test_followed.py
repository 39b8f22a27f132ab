"""What reading follows to a block, and the near miss beside it: one route blocks, the other not."""

from collections.abc import Callable

import pytest

from fastoffload.doctor.report import Reading

Read = Callable[..., Reading]

HEAD = """
import multiprocessing, time
from contextlib import contextmanager
from typing import Protocol
import peewee, requests
from dependency_injector import containers, providers
from fastapi import Depends, FastAPI
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session, sessionmaker
app = FastAPI()
make_session = sessionmaker()
def get_session():
    yield make_session()
async def get_async_session():
    async with AsyncSession() as session:
        yield session
"""
BLOCKS, NEAR = "@app.get('/blocks')\nasync def blocks", "@app.get('/near')\nasync def near"

KINDS = {
    "a route that a decorator of the project makes of the router's": (
        "def guarded(method, path):\n    return method(path)\n"
        "@guarded(app.get, '/blocks')\nasync def blocks():\n    time.sleep(1)\n"
        "@guarded(requests.get, '/near')\nasync def near():\n    time.sleep(1)\n"
    ),
    "a context manager made by a call": (
        "session = contextmanager(get_session)\n"
        f"{BLOCKS}():\n    with session() as one:\n        one.execute('select 1')\n"
        f"{NEAR}():\n    with session() as one:\n        one.add(1)\n"
    ),
    "a query that runs when it is iterated": (
        f"{BLOCKS}(session: Session):\n    return [row for row in session.query(int)]\n"
        f"{NEAR}(session: Session):\n    return session.query(int)\n"
    ),
    "an element of a query": (
        f"{BLOCKS}(session: Session):\n    return session.query(int)[0]\n"
        f"{NEAR}(rows: list):\n    return rows[0]\n"
    ),
    "a query of a model's class": (
        "class Event(peewee.Model): ...\n"
        f"{BLOCKS}():\n    return list(Event.select().where(1).order_by(2).iterator())\n"
        f"{NEAR}():\n    return Event.select().where(1)\n"
    ),
    "an object that a query gave": (
        "class Event(peewee.Model): ...\n"
        f"{BLOCKS}():\n    Event.get(1).save()\n"
        f"{NEAR}(event: str):\n    event.save()\n"
    ),
    "a Protocol that a class fits": (
        "class Engine(Protocol):\n    def run(self) -> None: ...\n    def end(self) -> None: ...\n"
        "class Slow:\n    def run(self): time.sleep(1)\n    def end(self): ...\n"
        "class Half:\n    def end(self): time.sleep(1)\n"
        f"{BLOCKS}(engine: Engine):\n    engine.run()\n"
        f"{NEAR}(engine: Engine):\n    engine.end()\n"
    ),
    "what a provider gives": (
        "class Client:\n    def get(self): requests.get('u')\n    def name(self): ...\n"
        "class Container(containers.DeclarativeContainer):\n"
        "    client = providers.Singleton(Client)\n"
        "container = Container()\n"
        f"{BLOCKS}():\n    container.client().get()\n"
        f"{NEAR}():\n    container.client().name()\n"
    ),
    "what a constructor got": (
        "class Service:\n    def __init__(self, client):\n        self.client = client\n"
        "    def get(self):\n        return self.client.get('u')\n"
        f"{BLOCKS}():\n    Service(requests.Session()).get()\n"
        f"{NEAR}():\n    Service({{}}).get()\n"
    ),
    "a constructor that says Session and gets an AsyncSession": (
        "class Service:\n    def __init__(self, db: Session):\n        self.db = db\n"
        "    async def get(self):\n        self.db.execute('select 1')\n"
        f"{BLOCKS}(db=Depends(get_session)):\n    await Service(db).get()\n"
        f"{NEAR}(db=Depends(get_async_session)):\n    await Service(db).get()\n"
    ),
    "a dependency that says more than the annotation": (
        f"{BLOCKS}(db: Session = Depends(get_session)):\n    db.commit()\n"
        f"{NEAR}(db: Session = Depends(get_async_session)):\n    db.commit()\n"
    ),
    "a dependency that says less than the annotation": (
        "def of_request(request):\n    return request.state.db\n"
        f"{BLOCKS}(db: Session = Depends(of_request)):\n    db.commit()\n"
        f"{NEAR}(db: AsyncSession = Depends(of_request)):\n    db.commit()\n"
    ),
    "a process of a context": (
        "context = multiprocessing.get_context('spawn')\n"
        f"{BLOCKS}():\n    context.Process(target=print).join()\n"
        f"{NEAR}():\n    context.Process(target=print).start()\n"
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_block_is_found_and_not_the_near_miss(application: Read, kind: str) -> None:
    report = application(f"{HEAD}{KINDS[kind]}")

    assert {finding.entry for finding in report.findings} == {"GET /blocks"}


def test_iterating_what_a_blocking_call_gave_is_no_second_block(application: Read) -> None:
    """Else each place that looks at an answer would count as the call that fetched it."""
    report = application(
        f"{HEAD}import redis\n@app.get('/x')\nasync def x(client: redis.Redis):\n"
        "    show(client.keys())\ndef show(keys):\n    for key in keys:\n        print(key)\n"
    )

    assert [finding.chain for finding in report.findings] == [("x",)]

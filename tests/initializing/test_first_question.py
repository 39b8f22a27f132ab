"""The application of docs/first-question.md, as it stands: blocked, cured, and with jobs."""

import os
import re
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest
from conftest import Cli
from workshop import CHECKOUT

from fastoffload.catalog import STRATEGIES
from initializing.conftest import (
    BROKER,
    LIMIT_SECONDS,
    NEEDS_BROKER,
    NEEDS_SERVER,
    LayOut,
    database,
)
from initializing.serving import ended, served
from initializing.shapes import REQUIREMENTS, Shape, py

PAGE = (CHECKOUT / "docs" / "first-question.md").read_text()
BLOCKS = re.findall(r"```(?:python|sh|diff)\n(.*?)```", PAGE, re.DOTALL)
HEAD = """
    import asyncio
    from collections.abc import AsyncIterator
    from concurrent.futures import ProcessPoolExecutor
    from contextlib import asynccontextmanager
    from multiprocessing import get_context
    from pathlib import Path

    from fastapi import BackgroundTasks, FastAPI

    from shop.computing import COMPUTING, long_computation
    from shop.db import db, lifespan

    """
TAIL = """

    @app.get("/ping")
    async def ping():
        return {"computing": COMPUTING.exists()}


    @app.get("/orders/{order_id}")
    async def order(order_id: int):
        (row,) = await db.fetch("SELECT forecast FROM orders WHERE id = $1", order_id)
        return {"forecast": row["forecast"]}
    """
COMPUTING = '''
    from pathlib import Path

    COMPUTING = Path(__file__).with_name("computing.txt")
    ROUNDS = 20_000_000


    def long_computation(sold: list[int]) -> float:
        """In Python, so that it holds the GIL; there is a file meanwhile."""
        COMPUTING.touch()
        total = 0
        for number in range(ROUNDS):
            total += number % 7
        COMPUTING.unlink()
        return sum(sold) + float(total > 0)
    '''
ON_SQLITE = '''
    import sqlite3
    from contextlib import asynccontextmanager
    from pathlib import Path

    import aiosqlite

    FILE = Path(__file__).with_name("orders.db")


    class Database:
        """What libraries of this kind have in common."""

        def __init__(self):
            self.connection = None

        async def fetch(self, query, *given):
            values = {str(number): value for number, value in enumerate(given, 1)}
            return await self.connection.execute_fetchall(query, values)

        async def execute(self, query, *given):
            await self.fetch(query, *given)
            await self.connection.commit()


    db = Database()


    @asynccontextmanager
    async def connected():
        made = Database()
        async with aiosqlite.connect(FILE) as made.connection:
            made.connection.row_factory = sqlite3.Row
            yield made


    @asynccontextmanager
    async def lifespan(app):
        async with connected() as made:
            db.connection = made.connection
            yield
    '''
ON_ASYNCPG = """
    import os
    from contextlib import asynccontextmanager

    import asyncpg


    class Database:
        pool = None

        def __getattr__(self, name):
            return getattr(self.pool, name)


    db = Database()


    def connected():
        return asyncpg.create_pool(os.environ["SHOP_DATABASE"], min_size=1)


    @asynccontextmanager
    async def lifespan(app):
        async with connected() as db.pool:
            yield
    """
TABLES = (
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, forecast DOUBLE PRECISION)",
    "CREATE TABLE weeks (order_id INTEGER, sold INTEGER)",
    "INSERT INTO orders VALUES (7, NULL)",
    "INSERT INTO weeks VALUES (7, 20), (7, 21)",
)
FORECAST = 42.0
TypeIn = Callable[[str], tuple[Path, Shape]]
WORKERS = dict(re.findall(r"^\| \[(\w+)\].*\| `([^`|]*)` \|$", PAGE, re.MULTILINE))
IN_PROCESS = [("background",), ("executor",), ("executor", "--pool", "thread")]
QUEUES = [("celery",), ("dramatiq",)]


@pytest.fixture(params=["sqlite", pytest.param("asyncpg", marks=NEEDS_SERVER)])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, str]]:
    """What the shop is told: its database, with an order; and another one, for jobs."""
    jobs = {"DATABASE_URL": f"sqlite:///{tmp_path}/jobs.db"}
    if request.param == "sqlite":
        yield jobs
        return
    with database() as url:
        plain = url.replace("+psycopg", "")
        with psycopg.connect(plain, autocommit=True) as connection:
            for statement in TABLES:
                connection.execute(statement.encode())
        yield jobs | {"SHOP_DATABASE": plain}


def shop(settings: dict[str, str], block: str) -> Shape:
    """The application with a block of the page in its module."""
    db = ON_ASYNCPG if "SHOP_DATABASE" in settings else ON_SQLITE
    return Shape(
        {
            "shop/__init__.py": "",
            "shop/computing.py": py(COMPUTING),
            "shop/db.py": py(db),
            "shop/main.py": py(HEAD) + block + py(TAIL),
            "requirements.txt": f"{REQUIREMENTS}aiosqlite\nasyncpg\n",
        }
    )


@pytest.fixture
def typed_in(lay_out: LayOut, settings: dict[str, str]) -> TypeIn:
    """Types a block of the page into an application that has an order."""

    def type_in(block: str) -> tuple[Path, Shape]:
        shape = shop(settings, block)
        root = lay_out(shape)
        if "SHOP_DATABASE" not in settings:
            with closing(sqlite3.connect(root / "shop/orders.db")) as connection:
                connection.executescript(";".join(TABLES))
        return root, shape

    return type_in


def pings_while_computing(client: httpx.Client, job: str = "/ping") -> int:
    """How many are answered while the forecast of an order is computed, until the order has it."""
    seen = 0
    end = time.monotonic() + LIMIT_SECONDS
    while client.get("/orders/7").json()["forecast"] != FORECAST:
        seen += client.get("/ping").json()["computing"]
        assert time.monotonic() < end, client.get(job).text
    return seen


@pytest.mark.parametrize(("block", "is_blocked"), [(BLOCKS[0], True), (BLOCKS[1], False)])
def test_without_a_job(
    typed_in: TypeIn, environment: Path, settings: dict[str, str], block: str, is_blocked: bool
) -> None:
    root, shape = typed_in(block)
    with served(root, shape, environment, settings) as client:
        assert client.post("/orders/7/forecast").status_code == 202
        assert (pings_while_computing(client) == 0) is is_blocked


@contextmanager
def worker(command: str | None, root: Path, python: Path, env: dict[str, str]) -> Iterator[None]:
    """A worker of the queue, if there is one."""
    if command is None:
        yield
        return
    name, *arguments = command.split()
    process = subprocess.Popen(
        [python.with_name(name), *arguments], cwd=root, env=os.environ | env, start_new_session=True
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(LIMIT_SECONDS)


def with_job(root: Path) -> None:
    """What the page says is written by hand, once `init` and `add` have been."""
    for block in BLOCKS[4:6]:
        name, _, text = block.partition("\n")
        (root / name.removeprefix("# ")).write_text(text)
    main = root / "shop/main.py"
    kind = "from shop.jobs.forecast.kind import KIND, ForecastParams\n"
    head = f"app = FastAPI(lifespan=lifespan)\n\n{kind}"
    assert BLOCKS[0] in main.read_text()
    main.write_text(main.read_text().replace(BLOCKS[0], f"{head}\n\n{BLOCKS[6]}"))


@pytest.mark.parametrize(
    "strategy",
    [*IN_PROCESS, *(pytest.param(one, marks=NEEDS_BROKER) for one in QUEUES)],
    ids="-".join,
)
def test_as_a_job(
    cli: Cli,
    typed_in: TypeIn,
    environment: Path,
    settings: dict[str, str],
    strategy: tuple[str, ...],
) -> None:
    root, shape = typed_in(BLOCKS[0])
    first, second, *_ = BLOCKS[2].splitlines()
    chosen = first.replace("--strategy executor", "--strategy {}".format(" ".join(strategy)))
    done = cli(*chosen.split()[1:], "--yes", cwd=root)
    assert done.returncode == 0, done.stderr
    assert "shares no transaction with yours" in " ".join(done.stdout.split())
    assert {*BLOCKS[3].splitlines()} <= {*done.stdout.splitlines()}
    assert cli(*second.split()[1:], cwd=root).returncode == 0
    with_job(root)
    env = settings | {"BROKER_URL": BROKER}
    command = WORKERS.get(strategy[0])
    assert (command is None) is (STRATEGIES[strategy[0]].worker is None)
    with served(root, shape, environment, env) as client, worker(command, root, environment, env):
        answer = client.post("/orders/7/forecast")
        assert answer.status_code == 202, answer.text
        assert pings_while_computing(client, answer.json()["job"]) > 0
        job = ended(client, answer.json()["job"])
        assert (job["status"], job["result"]) == ("succeeded", {"value": FORECAST})

"""An application that has installed the engine keeps what it has, and its database is its own."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import PlainTextResponse
from job_site import JOBS, KINDS, NobodyRuns, create, serving
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import StaticPool
from structlog.testing import capture_logs

from app.offload import discovery, install, installing, notifying, observe
from app.offload.database.engines import dispose_async_engine, use_database, writing
from app.offload.database.urls import is_same, spoken
from app.offload.errors import CannotInstall
from app.offload.kinds import Kind
from app.offload.settings import get_settings
from offload.callbacks.databases import forget_settings
from offload.rows.making import number_of_jobs

CLIP: Kind[Any, Any] = KINDS["clip"]


@pytest.fixture(autouse=True)
def strategy(database: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[NobodyRuns]:
    """What is told that jobs wait, for the kinds of these tests."""
    made = NobodyRuns()
    monkeypatch.setattr(discovery, "kinds", lambda: KINDS)
    monkeypatch.setattr(discovery, "route_modules", list)
    monkeypatch.setattr(installing.strategy, "make", lambda _queues: made)
    monkeypatch.setattr(notifying, "_Current", type("_Current", (notifying._Current,), {}))
    yield made
    use_database(None)


@asynccontextmanager
async def yields_state(_app: FastAPI) -> AsyncIterator[dict[str, str]]:
    """A lifespan whose state the requests find."""
    yield {"pool": "theirs"}


class TestWhatTheApplicationHas:
    def test_its_lifespan_and_what_that_yields(self) -> None:
        app = FastAPI(lifespan=yields_state)

        @app.get("/own")
        async def own(request: Request) -> str:
            return str(request.state.pool)

        install(app)
        observe(app)
        with serving(app) as client:
            assert client.get("/own").json() == "theirs"
            create(client)

    @pytest.mark.filterwarnings(r"ignore:\s+on_event is deprecated:DeprecationWarning")
    def test_its_handlers_of_events(self) -> None:
        app, seen = FastAPI(), []

        @app.on_event("startup")
        async def begin() -> None:
            seen.append("startup")

        install(app)

        @app.on_event("shutdown")
        async def end() -> None:
            seen.append("shutdown")

        with serving(app) as client:
            create(client)
        assert seen == ["startup", "shutdown"]

    def test_its_errors_and_what_takes_every_path(self) -> None:
        app = FastAPI()

        @app.exception_handler(HTTPException)
        async def theirs(_: Request, error: HTTPException) -> Response:
            return PlainTextResponse("Their own format", error.status_code)

        @app.get("/own")
        async def own(number: int) -> int:
            raise HTTPException(402)

        @app.get("/{path:path}")
        async def page(path: str) -> str:
            return "the page"

        app.mount("/", PlainTextResponse("mounted"))
        install(app)
        observe(app, shows_code=True)
        with serving(app) as client:
            assert client.get("/own?number=1").text == "Their own format"
            assert client.get("/own").json()["detail"][0]["loc"] == ["query", "number"]
            assert client.get("/elsewhere").json() == "the page"
            assert client.put("/elsewhere").text == "mounted"
            for path in ("/jobs", JOBS, "/metrics", "/dev/stalls", "/health/ready"):
                assert "the page" not in client.get(path).text, path
            assert client.get(f"{JOBS}/x").headers["content-type"] == "application/problem+json"

    @pytest.mark.parametrize("path", ["/jobs", "/jobs/{name}", "/health/{part}"])
    def test_a_path_that_is_taken_is_named(self, path: str) -> None:
        app = FastAPI()

        @app.get(path)
        async def own() -> str:
            return "theirs"

        number = len(app.router.routes)
        with pytest.raises(CannotInstall, match=r'answers GET /.* itself .*prefix="/offload"'):
            install(app)
        assert len(app.router.routes) == number
        install(app, prefix="/offload")
        with serving(app) as client:
            answer = client.post(f"/offload{JOBS}", json={"height": 2})
            assert answer.headers["location"].startswith(f"/offload{JOBS}/")
            assert client.get(path.format(name="x", part="x")).json() == "theirs"

    def test_metrics_of_its_own(self) -> None:
        app = FastAPI()
        app.mount("/metrics", PlainTextResponse("theirs"))
        install(app)
        with pytest.raises(CannotInstall, match="GET /metrics"):
            observe(app)
        observe(app, prefix="/offload")
        with serving(app) as client:
            assert "offload_jobs" in client.get("/offload/metrics").text

    def test_once_is_enough(self) -> None:
        app = FastAPI()
        install(app)
        with pytest.raises(CannotInstall, match="twice"):
            install(app)
        install(FastAPI())


async def ask(app: FastAPI, path: str) -> httpx.Response:
    """A POST without a server, as tests of applications do it: the lifespan does not run."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.post(path, json={"height": 2})
    await dispose_async_engine()
    return answer


class TestWithoutALifespan:
    def test_a_job_is_added_and_nothing_runs(self, strategy: NobodyRuns) -> None:
        app = FastAPI(title="Shop")
        install(app)
        with capture_logs() as lines:
            assert asyncio.run(ask(app, JOBS)).status_code == 202
        assert number_of_jobs() == 1
        assert strategy.notified == []
        assert [line["application"] for line in lines if "nothing_runs" in line["event"]] == [
            "Shop"
        ]

    def test_a_mounted_application_says_whose_lifespan_has_not_run(self) -> None:
        outer, inner = FastAPI(), FastAPI(title="Inner")
        install(inner)

        @inner.post("/enqueue")
        def enqueue() -> None:
            with writing() as session:
                CLIP.enqueue(session, CLIP.params(height=2))

        outer.mount("/api", inner)
        with capture_logs() as lines, serving(outer) as client:
            assert client.post("/api/enqueue").status_code == 200
            assert client.post("/api/enqueue").status_code == 200
        said = [line for line in lines if "nothing_runs" in line["event"]]
        assert [line["application"] for line in said] == ["Inner"]
        assert "a mounted application's never does" in said[0]["reason"]

    def test_a_database_of_a_test_gets_the_tables(self) -> None:
        engine = create_engine(
            "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
        )
        for _ in range(2):
            with Session(engine) as session:
                CLIP.enqueue(session, CLIP.params(height=2))
                session.commit()
        with Session(engine) as session:
            assert session.scalar(text("SELECT count(*) FROM offload_jobs")) == 2
        engine.dispose()

    def test_not_where_somebody_else_migrates(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MIGRATE_ON_START", "false")
        get_settings.cache_clear()
        engine = create_engine("sqlite://")
        with Session(engine) as session, pytest.raises(Exception, match="no such table"):
            CLIP.enqueue(session, CLIP.params(height=2))
        engine.dispose()


@pytest.fixture
def theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """The application's own database, with a table of its own; DATABASE_URL is not set."""
    engine = create_engine(f"sqlite:///{tmp_path / 'theirs.db'}")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE orders (n integer)"))
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.setenv("SWEEP_SECONDS", "600")  # nobody notifies but whoever adds a job
    forget_settings()
    yield engine
    engine.dispose()


def journal_mode(engine: Engine) -> str:
    """Of the file."""
    with engine.connect() as connection:
        return str(connection.execute(text("PRAGMA journal_mode")).scalar_one())


class TestItsDatabase:
    @pytest.mark.parametrize("how", ["engine", "sessionmaker", "async engine", "async sessions"])
    def test_is_where_the_jobs_are(self, theirs: Engine, strategy: NobodyRuns, how: str) -> None:
        asynchronous = create_async_engine(f"sqlite+aiosqlite:///{theirs.url.database}")
        ways: dict[str, Any] = {
            "engine": theirs,
            "sessionmaker": sessionmaker(theirs),
            "async engine": asynchronous,
            "async sessions": async_sessionmaker(asynchronous),
        }
        app = FastAPI()
        install(app, engine=ways[how])

        @app.post("/orders")
        def order(fails: bool = False) -> str:
            with Session(theirs) as session, session.begin():
                session.execute(text("INSERT INTO orders VALUES (1)"))
                added = CLIP.enqueue(session, CLIP.params(height=2))
                if fails:
                    raise HTTPException(409)
            return str(added)

        with serving(app) as client:
            assert client.post("/orders?fails=1").status_code == 409
            added = client.post("/orders").json()
            assert [job["id"] for job in client.get(JOBS).json()["items"]] == [added]
            assert strategy.notified == ["default"]
            assert client.get("/health/ready").status_code == 200
        assert journal_mode(theirs) == "delete"

    def test_another_one_is_refused_while_jobs_run(self, theirs: Engine, tmp_path: Path) -> None:
        app = FastAPI()
        install(app, engine=theirs)
        elsewhere = create_engine(f"sqlite:///{tmp_path / 'elsewhere.db'}")
        with (
            serving(app),
            Session(elsewhere) as session,
            pytest.raises(ValueError, match=r"elsewhere\.db, and jobs are in .*theirs\.db"),
        ):
            CLIP.enqueue(session, CLIP.params(height=2))
        elsewhere.dispose()

    def test_what_is_none_is_refused(self, theirs: Engine) -> None:
        for url, said in (
            ("sqlite://", "in memory"),
            ("sqlite:///file:x.db?uri=true", "as a path"),
        ):
            with pytest.raises(CannotInstall, match=f"{said}.*a database of their own"):
                install(FastAPI(), engine=create_engine(url))
        with pytest.raises(ValueError, match="in memory"):
            spoken("sqlite:///file:x?mode=memory&uri=true")
        with pytest.raises(ValueError, match="mysql:// is not supported; use sqlite"):
            spoken("mysql://me:secret@host/shop")
        with pytest.raises(CannotInstall, match="bound to one, not NoneType"):
            install(FastAPI(), engine=sessionmaker())

    def test_the_environment_must_not_name_another(
        self, theirs: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DATABASE_URL", "sqlite:///other.db")
        forget_settings()
        with pytest.raises(CannotInstall, match=r"theirs\.db, and DATABASE_URL names .*other\.db"):
            install(FastAPI(), engine=theirs)
        monkeypatch.setenv("OFFLOAD_DATABASE_URL", f"sqlite:///{theirs.url.database}")
        forget_settings()
        install(FastAPI(), engine=theirs)

    def test_workers_need_to_be_told(self, theirs: Engine, strategy: NobodyRuns) -> None:
        strategy.runs_elsewhere = True
        app = FastAPI()
        install(app, engine=theirs)

        async def start() -> None:
            async with app.router.lifespan_context(app):
                pass

        with pytest.raises(CannotInstall, match="workers know the database by DATABASE_URL alone"):
            asyncio.run(start())


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("postgres://me:pw@h/shop", "postgresql+psycopg://me:pw@h/shop"),
        (
            "postgresql+psycopg2://h/shop?sslmode=require",
            "postgresql+psycopg://h/shop?sslmode=require",
        ),
        (
            "postgresql+asyncpg://h/shop?ssl=verify-full",
            "postgresql+psycopg://h/shop?sslmode=verify-full",
        ),
        (
            "postgresql+asyncpg://h/shop?prepared_statement_cache_size=0",
            "postgresql+psycopg://h/shop",
        ),
        ("postgresql+pg8000://h/shop?ssl=true", "postgresql+psycopg://h/shop?sslmode=require"),
        ("sqlite+aiosqlite:///a.db", "sqlite:///a.db"),
    ],
)
def test_every_driver_s_url_is_spoken(given: str, url: str) -> None:
    assert spoken(given).render_as_string(hide_password=False) == url
    assert is_same(spoken(given), spoken(url))


def test_names_of_settings_that_mean_something_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_FORMAT", "%(message)s")
    monkeypatch.setenv("JOB_QUEUES", "slow, default")
    Path(".env").write_text("RETENTION_DAYS=1\nTHEIRS=a b # c\nOFFLOAD_RETENTION_DAYS=2\n")
    get_settings.cache_clear()
    with pytest.raises(SystemExit, match=r"LOG_FORMAT .*set OFFLOAD_LOG_FORMAT"):
        get_settings()
    monkeypatch.setenv("OFFLOAD_LOG_FORMAT", "json")
    settings = get_settings()
    assert settings.log_format == "json"
    assert settings.job_queues == ("slow", "default")
    assert settings.retention_days == 2

"""Errors: problem documents on the engine's routes and on those of kinds, and nowhere else."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request, Response
from fastapi.responses import PlainTextResponse
from job_site import JOBS, begin, create, make_app, serving
from sqlalchemy import text
from sqlalchemy.exc import InvalidRequestError

from app.offload.database.engines import reading_async
from app.offload.errors import MistakeInKind, Refused, TransientError
from app.offload.http import problems
from app.offload.http.routers import routers
from app.offload.http.schemas import OffloadProblem
from app.offload.kinds import Kind
from offload.callbacks.databases import forget_settings

ended: list[str] = []


class NoAccount(Exception):
    """What the application itself knows how to answer."""


async def session() -> Any:
    """Ends well or badly, as a session that commits does."""
    try:
        yield
    except Exception:
        ended.append("rolled back")
        raise
    ended.append("committed")


def kind_router() -> APIRouter:
    """What a kind adds to the routes."""
    router = APIRouter(prefix="/theirs", dependencies=[Depends(session)])

    @router.get("/refused")
    async def refused() -> None:
        raise Refused(422, "Line 3 is no number.", line=3)

    @router.get("/http")
    async def http() -> None:
        raise HTTPException(402, "Pay first.", {"X-Price": "1"})

    @router.get("/valid")
    async def valid(number: Annotated[int, Query()]) -> int:
        return number

    @router.get("/mistake")
    async def mistake() -> None:
        raise ZeroDivisionError("a secret")

    @router.get("/account")
    async def account() -> None:
        raise NoAccount

    @router.get("/store")
    async def store() -> None:
        raise TransientError("a secret place", retry_after_seconds=7)

    @router.get("/no-column")
    async def no_column() -> None:
        async with reading_async() as asked:
            await asked.execute(text("SELECT no_such_column FROM offload_jobs"))

    @router.post("/form")
    async def form() -> str:
        return "done"

    return router


@pytest.fixture(autouse=True)
def nothing_has_ended() -> None:
    """Forget what ended in the test before."""
    ended.clear()


@pytest.fixture(scope="module")
def app() -> FastAPI:
    """An application with an error format of its own, and a kind with routes."""
    app = make_app(of_kinds=(kind_router(),))

    @app.get("/own")
    async def own() -> None:
        raise HTTPException(402, "Pay first.")

    @app.exception_handler(NoAccount)
    async def no_account(_: Request, _error: Exception) -> Response:
        return PlainTextResponse("Who are you?", 499)

    @app.exception_handler(HTTPException)
    async def theirs(_: Request, error: HTTPException) -> Response:
        return PlainTextResponse("Their own format", error.status_code)

    return app


def check(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The problem document that an answer is."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    problem = answer.json()
    OffloadProblem.model_validate(problem, strict=True)
    assert problem["status"] == status
    return dict(problem)


class TestRoutesOfKinds:
    def test_what_is_refused_has_its_members(self, client: httpx.Client) -> None:
        assert check(client.get("/theirs/refused"), 422)["line"] == 3

    def test_errors_of_http_keep_their_headers(self, client: httpx.Client) -> None:
        answer = client.get("/theirs/http")
        assert check(answer, 402)["detail"] == "Pay first."
        assert answer.headers["x-price"] == "1"

    def test_what_is_not_valid_is_named(self, client: httpx.Client) -> None:
        problem = check(client.get("/theirs/valid", params={"number": "x"}), 422)
        assert problem["errors"][0]["at"] == "query.number"

    @pytest.mark.parametrize("path", ["/theirs/mistake", "/theirs/no-column"])
    def test_a_mistake_says_nothing_of_the_code(self, client: httpx.Client, path: str) -> None:
        answer = client.get(path)
        check(answer, 500)
        assert "secret" not in answer.text
        assert "column" not in answer.text

    def test_what_passes_says_when_to_come_again(self, client: httpx.Client) -> None:
        answer = client.get("/theirs/store")
        check(answer, 503)
        assert answer.headers["retry-after"] == "7"
        assert "secret" not in answer.text

    def test_what_the_application_knows_is_its_own(self, client: httpx.Client) -> None:
        assert client.get("/theirs/account").text == "Who are you?"

    def test_a_session_sees_the_error(self, client: httpx.Client) -> None:
        for path in ("refused", "http", "mistake", "account"):
            client.get(f"/theirs/{path}")
        assert ended == ["rolled back"] * 4

    def test_pages_of_other_sites_may_not(self, client: httpx.Client) -> None:
        assert client.post("/theirs/form").status_code == 200
        check(client.post("/theirs/form", headers={"Sec-Fetch-Site": "cross-site"}), 403)


class TestTheApplicationsOwn:
    def test_its_format_stays(self, client: httpx.Client) -> None:
        assert client.get("/own").text == "Their own format"
        assert client.get("/nowhere").headers["content-type"] != problems.MEDIA_TYPE
        check(client.delete(JOBS), 405)

    def test_all_of_it_can_be_had(self, database: None) -> None:
        app = make_app()
        problems.for_whole_app(app)

        @app.get("/own")
        async def own(what: str) -> None:
            raise {
                "refused": Refused(409, "No.", why=1),
                "mistake": ValueError("a secret"),
                "mistake in SQL": InvalidRequestError("a secret"),
            }[what]

        with serving(app) as client:
            assert client.get("/nowhere").json()["status"] == 404
            assert client.get("/own").json()["errors"][0]["at"] == "query.what"
            assert client.get("/own", params={"what": "refused"}).json()["why"] == 1
            for what in ("mistake", "mistake in SQL"):
                answer = client.get("/own", params={"what": what})
                assert answer.status_code == 500
                assert answer.headers["content-type"] == problems.MEDIA_TYPE
                assert "secret" not in answer.text

    def test_its_dependency_guards_all_but_health(self, database: None) -> None:
        with serving(make_app(guarded=True, of_kinds=(kind_router(),))) as client:
            for path in ("/jobs", "/kinds", JOBS, "/theirs/refused", "/jobs/events"):
                answer = client.get(path)
                check(answer, 401)
                assert answer.headers["www-authenticate"] == "Key"
            check(client.post(JOBS, json={"height": 2}), 401)
            assert client.get("/jobs", headers={"X-Key": "secret"}).status_code == 200
            assert client.get("/health/live").status_code == 200


@pytest.fixture
def without_database(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[httpx.Client]:
    """Whoever asks an application whose database is away."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", "postgresql+psycopg://127.0.0.1:1/nothing")
    forget_settings()
    with serving(make_app()) as client:
        yield client
    forget_settings()


def test_a_database_that_is_away_is_waited_for(without_database: httpx.Client) -> None:
    client, job_id = without_database, uuid4()
    for answer in (
        client.get("/jobs"),
        client.get(f"{JOBS}/{job_id}"),
        client.post(JOBS, json={"height": 2}),
        client.post("/scans", files={"page": ("p", b"png", "image/png")}),
        client.post(f"{JOBS}/{job_id}/cancel"),
    ):
        check(answer, 503)
        assert answer.headers["retry-after"]
        assert "127.0.0.1" not in answer.text
    assert check(client.get("/health/ready"), 503)["down"].keys() == {"database"}
    assert client.get("/health/live").status_code == 200


@pytest.mark.parametrize("stops", [True, False])
def test_what_a_stop_cuts_off_is_to_be_tried_again(
    monkeypatch: pytest.MonkeyPatch, stops: bool
) -> None:
    app = FastAPI()
    problems.for_whole_app(app)
    monkeypatch.setattr(problems, "is_stopping", lambda: stops)

    @app.get("/long")
    async def long() -> None:
        raise asyncio.CancelledError  # what Uvicorn has a route meet

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get("/long")

    if not stops:  # then it is the application's own doing, as a limit of time
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(ask())
        return
    answer = asyncio.run(ask())
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0


def test_a_kind_must_not_stand_in_the_engines_way() -> None:
    kind = Kind("events", OffloadProblem, OffloadProblem)
    with pytest.raises(MistakeInKind, match="/jobs/events"):
        routers({"events": kind}, [])


def test_what_runs_is_not_run_again(client: httpx.Client) -> None:
    job = create(client)
    begin(job)
    problem = check(client.post(f"{JOBS}/{job['id']}/retry"), 409)
    assert "running" in problem["detail"]

"""The dependencies of an application guard every route but those of /health, sockets too."""

from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import Body, Depends, FastAPI, Header, HTTPException, Path, Query, Request
from fastapi.security import APIKeyHeader, HTTPBearer
from job_site import JOBS, KINDS, create, lifespan, serving
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from app.offload import install
from app.offload.errors import CannotInstall
from app.offload.http import guards
from app.offload.http.routers import routers

open_sessions: list[str] = []


async def session() -> AsyncIterator[str]:
    """What is held until the answer is made."""
    open_sessions.append("open")
    yield "session"
    open_sessions.pop()


def by_request(request: Request, _session: Annotated[str, Depends(session)]) -> None:
    """Who calls, found out as most applications do it; a socket brings no Request."""
    if request.headers.get("x-key") != "secret":
        raise HTTPException(401, "A key is needed.", {"WWW-Authenticate": "Key"})


def by_bearer(found: Annotated[Any, Depends(HTTPBearer(auto_error=False))]) -> None:
    """Who calls, by FastAPI's own class."""
    if found is None or found.credentials != "secret":
        raise HTTPException(401)


def by_header(found: Annotated[Any, Depends(APIKeyHeader(name="X-Key", auto_error=False))]) -> None:
    """The same, by another one."""
    if found != "secret":
        raise HTTPException(401)


def by_name(x_key: Annotated[str, Header()] = "") -> None:
    """What a socket could be asked for, too."""
    if x_key != "secret":
        raise HTTPException(401)


GUARDS = [by_request, by_bearer, by_header, by_name]
SECRET = {"X-Key": "secret", "Authorization": "Bearer secret"}


@pytest.fixture(params=GUARDS)
def guarded(request: pytest.FixtureRequest, database: None) -> Iterator[httpx.Client]:
    """Whoever asks an application that knows who calls."""
    open_sessions.clear()
    app = FastAPI(lifespan=lifespan)
    for router in routers(KINDS, [Depends(request.param)]):
        app.include_router(router)
    with serving(app) as client:
        yield client


def socket_of(client: httpx.Client, job_id: object, **headers: str) -> Any:
    """A socket to a job."""
    url = str(client.base_url.copy_with(scheme="ws")).rstrip("/")
    return connect(f"{url}{JOBS}/{job_id}/ws", proxy=None, additional_headers=headers)


def test_every_route_refuses_strangers(guarded: httpx.Client) -> None:
    documented = guarded.get("/openapi.json").json()["paths"]
    asked = [
        (method.upper(), path.format(job_id=uuid4(), name="x"))
        for path, methods in documented.items()
        for method in methods
        if not path.startswith("/health")
    ]
    assert len(asked) > 20
    asked.append(("GET", f"{JOBS}/{uuid4()}/ws"))
    for method, path in asked:
        assert guarded.request(method, path).status_code == 401, (method, path)
    with pytest.raises(InvalidStatus) as refused:
        socket_of(guarded, uuid4())
    # An older server can say no more than that it refuses.
    assert refused.value.response.status_code in {401, 403}
    for path in ("/health/live", "/health/ready"):
        assert guarded.get(path).status_code == 200


def test_who_is_known_may_follow_and_holds_nothing_meanwhile(guarded: httpx.Client) -> None:
    guarded.headers.update(SECRET)
    job = create(guarded)
    with socket_of(guarded, job["id"], **SECRET) as socket:
        assert job["id"] in socket.recv(60)
        assert open_sessions == []
    for path in (f"{JOBS}/{job['id']}/events", "/jobs/events"):
        with guarded.stream("GET", path) as stream:
            assert job["id"] in next(line for line in stream.iter_lines() if "data" in line)
            assert open_sessions == []
    assert guarded.get(f"{JOBS}/{job['id']}/ws").status_code == 426


def by_job(job_id: UUID | None = None, key: Annotated[str, Query(alias="name")] = "") -> None:
    """Whose job it is, where it is one."""


def required(job_id: str) -> None:
    """Of the path on some routes, of the query on the others."""


def named(name: Annotated[str, Header()]) -> None:
    """A name that FastAPI takes for the one in the path."""


def in_query(found: Annotated[None, Depends(required)]) -> None:
    """By way of another."""


def in_body(key: Annotated[str, Body()] = "") -> None:
    """FastAPI would put the job's parameters app_state it, and read none where they were."""


def of_tenant(tenant: Annotated[str, Path()]) -> None:
    """What only the application's own paths have."""


class Callable:
    """A dependency with a state."""

    def __call__(self, name: str) -> None:
        """Its parameters are this method's."""


@pytest.mark.parametrize(
    ("guard", "said"),
    [
        (required, "required .*`job_id` is a part of some of their paths only"),
        (named, "named .*`Header` for path param 'name'"),
        (in_query, "in_query .*`job_id` is a part of"),
        (in_body, "in_body .*`key` is read from the body"),
        (of_tenant, "of_tenant .*`tenant` is no part of their paths"),
        (Callable(), "Callable .*`name` is a part of"),
    ],
)
def test_what_no_request_could_satisfy_is_refused_at_once(guard: Any, said: str) -> None:
    app = FastAPI()
    before = len(app.routes)
    with pytest.raises(CannotInstall, match=said):
        install(app, dependencies=[Depends(guard)])
    assert len(app.routes) == before


def test_what_may_be_of_the_path_or_not_is_taken() -> None:
    guards.check([Depends(by_job)])
    guards.check([Depends(of_tenant)], "/{tenant}")

"""The dependencies of an application guard every route but those of /health, sockets too."""

from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any
from uuid import uuid4

import httpx
import pytest
from fastapi import Depends, FastAPI, Header, HTTPException, Request
from fastapi.security import APIKeyHeader, HTTPBearer
from job_site import JOBS, KINDS, create, lifespan, serving
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

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
    assert refused.value.response.status_code == 401
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

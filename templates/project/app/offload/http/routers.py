"""The routers that `install` adds to an application: over all kinds of jobs, and of each."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.params import Depends

from .. import discovery
from ..database.tables import Status
from ..discovery import AnyKind
from ..errors import MistakeInKind
from . import events, health, routing, sockets
from .kind_routes import kind_routes
from .links import Links
from .pages import Cursor, Limit, page
from .problems import answers
from .schemas import AnyJobPage, InputOut, KindOut

OVER_ALL = ("/jobs", "/jobs/events", "/kinds", "/health/live", "/health/ready")
TAKEN = (*OVER_ALL, "/health", "/metrics")
A_JOB = UUID(int=0)


def routers(
    kinds: Mapping[str, AnyKind],
    dependencies: Sequence[Depends],
    of_kinds: Sequence[APIRouter] = (),
) -> list[APIRouter]:
    """All that is to be included: health, what kinds bring themselves, and what all of them have.

    The dependencies guard all but health. Raises MistakeInKind.
    """
    for kind in kinds.values():
        if kind.prefix in TAKEN:
            raise MistakeInKind(
                f"Kind {kind.name!r}: the prefix {kind.prefix} is the engine's own; take another"
            )
    guarded = APIRouter(route_class=routing.Route, dependencies=list(dependencies))
    for router in of_kinds:  # first: `{job_id}` would take `/reports/newest` for an id
        guarded.include_router(routing.adopt(router))
    guarded.include_router(over_all(kinds))
    for kind in kinds.values():
        guarded.include_router(kind_routes(kind))
    return [health.router(), sockets.router(kinds), guarded]


def routers_of_kinds() -> list[APIRouter]:
    """What kinds add to the application's routes: `router` of a `routes.py` in their folder."""
    found = [getattr(module, "router", None) for module in discovery.route_modules()]
    return [router for router in found if isinstance(router, APIRouter)]


def paths(kinds: Mapping[str, AnyKind]) -> Iterator[tuple[str, str]]:
    """Some of the paths that these routers answer, each after its method."""
    for path in OVER_ALL:
        yield "GET", path
    for kind in kinds.values():
        yield "POST", kind.prefix
        yield "GET", kind.prefix
        yield "GET", f"{kind.prefix}/{A_JOB}"


def over_all(kinds: Mapping[str, AnyKind]) -> APIRouter:
    """GET /jobs, /jobs/events and /kinds."""
    router = APIRouter(route_class=routing.Route, tags=["jobs"])
    schemas: Mapping[str, Any] = {
        name: kind.params.model_json_schema() for name, kind in kinds.items()
    }

    async def list_kinds(request: Request) -> list[KindOut]:
        """The kinds of jobs, each with where its jobs are and what they take."""
        links = Links(request)
        return [
            KindOut(
                name=kind.name,
                title=kind.title,
                prefix=links.jobs(kind.name) or kind.prefix,
                params=schemas[kind.name],
                inputs={
                    name: InputOut(**vars(limits) | {"media_types": list(limits.media_types)})
                    for name, limits in kind.inputs.items()
                },
            )
            for kind in kinds.values()
        ]

    routing.get(
        router,
        "/jobs",
        list_all_jobs,
        operation_id="list_all_jobs",
        response_model=AnyJobPage,
        responses=answers(422, 503),
    )
    routing.get(
        router,
        "/jobs/events",
        events.follow_all,
        operation_id="follow_all_jobs",
        response_class=Response,
        responses=events.DOCUMENTED,
    )
    routing.get(router, "/kinds", list_kinds, operation_id="list_kinds")
    return router


async def list_all_jobs(
    request: Request,
    kind: Annotated[str | None, Query()] = None,
    status: Status | None = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response:
    """A page of jobs of all kinds, the newest first."""
    return await page(request, kind, status, limit, cursor)

"""Adds the engine's routes to an application that has some already."""

from collections.abc import Iterable, Sequence

from fastapi import APIRouter, FastAPI
from starlette.routing import BaseRoute, Match

from ..errors import CannotInstall

OF_NOBODY = "/offload/a-path-that/nobody/has"  # what answers it, answers everything


def add(
    app: FastAPI, routers: Sequence[APIRouter], paths: Iterable[tuple[str, str]], prefix: str = ""
) -> None:
    """Include the routers, before whatever takes every path: a mount at /, a page's fallback.

    `paths` are some that they answer, each after its method. Raises CannotInstall, and adds
    nothing, when one of them is the application's already, because a route that comes first wins.
    """
    routes = app.router.routes
    number = len(routes)
    greedy = (index for index, route in enumerate(routes) if _answers(route, "GET", OF_NOBODY))
    first = next(greedy, number)
    for method, path in paths:
        _refuse_taken(routes[:first], method, prefix + path)
    for router in routers:
        app.include_router(router, prefix=prefix)
    routes[:] = [*routes[:first], *routes[number:], *routes[first:number]]


def _refuse_taken(routes: Sequence[BaseRoute], method: str, path: str) -> None:
    for route in routes:
        # A mount at the path answers it with a redirection to path and slash.
        if _answers(route, method, path) or _answers(route, method, f"{path}/"):
            own = getattr(route, "path", None) or "a router that it includes"
            raise CannotInstall(
                f"the application answers {method} {path} itself ({own}); give the engine's routes"
                ' a prefix that is free, such as prefix="/offload"'
            )


def _answers(route: BaseRoute, method: str, path: str) -> bool:
    scope = {"type": "http", "method": method, "path": path, "root_path": "", "headers": []}
    return route.matches(scope)[0] == Match.FULL

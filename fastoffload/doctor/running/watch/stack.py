"""What a loop's thread does at one moment, and for which request."""

from __future__ import annotations

import time
from collections.abc import MutableMapping
from functools import cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, NamedTuple

Scope = MutableMapping[str, Any]
Roots = tuple[str, ...]

INSTALLED = {"site-packages", "dist-packages", ".venv"}
SCOPES = ("http", "websocket", "lifespan")


class Step(NamedTuple):
    """A frame at one moment."""

    code: CodeType
    line: int
    instruction: int
    names: dict[str, Any]  # of its module

    @property
    def module(self) -> str:
        """Its module's name."""
        return str(self.names.get("__name__", ""))

    @property
    def function(self) -> str:
        """Its name, without the functions that it stands in."""
        name = getattr(self.code, "co_qualname", self.code.co_name)
        return str(name.rpartition("<locals>.")[2])

    @property
    def dotted(self) -> str:
        """Module and name."""
        return f"{self.module}.{self.function}"


class Spent(NamedTuple):
    """Seconds between two moments."""

    wall: float = 0.0  # without those in which the loop's thread was ready, and got no CPU
    cpu: float = 0.0  # of the loop's thread
    unseen: float = 0.0  # the watching thread waited, for a CPU or for the GIL
    late: float = 0.0  # of these for the GIL
    held: float = 0.0  # the same, while the loop's thread was on a CPU

    def and_then(self, more: Spent) -> Spent:
        """Together; how long the watching thread waited for the GIL is of the last time."""
        wall, cpu = self.wall + more.wall, self.cpu + more.cpu
        return Spent(wall, cpu, self.unseen + more.unseen, more.late, more.held)


class Look(NamedTuple):
    """What the loop's thread did at one moment, and what was spent since the look before."""

    steps: list[Step]  # the outermost first, from where the application is called
    scope: Scope | None
    at: float  # on the monotonic clock
    spent: Spent

    @classmethod
    def now(cls, frames: list[FrameType], spent: Spent) -> Look:
        """At a stack, the outermost frame first."""
        begin, scope = _request(frames)
        steps = [
            Step(frame.f_code, frame.f_lineno or 0, frame.f_lasti, frame.f_globals)
            for frame in frames[begin:]
        ]
        return cls(steps, scope, time.monotonic(), spent)


def _request(frames: list[FrameType]) -> tuple[int, Scope | None]:
    """Where an application is called first, and the innermost scope that is handled."""
    begin, innermost = 0, None
    for number, frame in enumerate(frames):
        code = frame.f_code
        if "scope" not in code.co_varnames and "scope" not in code.co_freevars:
            continue
        scope = frame.f_locals.get("scope")
        if isinstance(scope, MutableMapping) and scope.get("type") in SCOPES:
            begin = number if innermost is None else begin
            innermost = scope
    return begin, innermost


def route_of(scope: Scope | None) -> str:
    """`GET /orders/{id}`, `WebSocket /ws`, or nothing when no request is known."""
    if scope is None or scope["type"] == "lifespan":
        return ""
    method = scope.get("method", "WebSocket")
    # Newer FastAPI keeps an included router's prefix apart from the route.
    context = scope.get("fastapi", {}).get("effective_route_context")
    for route in (getattr(context, "starlette_route", None), context, scope.get("route")):
        if path := getattr(route, "path_format", ""):
            return f"{method} {_mounted(scope)}{path}"
    return f"{method} {scope['path']}"


def _mounted(scope: Scope) -> str:
    """The path under which the application is mounted in another."""
    if "app_root_path" not in scope:
        return ""
    return str(scope.get("root_path", "")[len(scope["app_root_path"]) :])


@cache
def is_own(file: str, roots: Roots) -> bool:
    """Whether it is the user's code: below a root, and not installed."""
    path = Path(file)
    return INSTALLED.isdisjoint(path.parts) and any(path.is_relative_to(root) for root in roots)


def relative(file: str, roots: Roots) -> str:
    """As POSIX, from the root that it is below."""
    path = Path(file)
    below = [path.relative_to(root) for root in roots if file and path.is_relative_to(root)]
    return below[0].as_posix() if below else file

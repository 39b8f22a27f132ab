"""Runs a user's application under the watch, with its own Python: `python launch.py OPTIONS`.

OPTIONS is a JSON object. Standard library and the application's uvicorn only. What happens goes, a
JSON object a line, into the pipe `events`; the pipe `control` asks for what is open (`settle`), and
when it ends, because whoever drives has died, this process ends with all that it started.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Foreign = Any  # of the user's environment: its types are not known here

REQUEST = b"x-fastoffload-request"
GRAPHQL = {"strawberry", "ariadne", "starlette_graphene3"}
NOISE = "For further information visit"  # the last line of pydantic's errors


class NotThereError(Exception):
    """The target names nothing."""


class Events:
    """The pipe that tells of what happens."""

    def __init__(self, descriptor: int) -> None:
        self._pipe = os.fdopen(descriptor, "w", buffering=1)
        self._lock = threading.Lock()

    def send(self, **event: object) -> None:
        """Write one, whole."""
        with self._lock:
            self._pipe.write(json.dumps(event) + "\n")


def main() -> None:
    """Load, then serve until told to end."""
    options = json.loads(sys.argv[1])
    for pipe in ("events", "control"):
        os.set_inheritable(options[pipe], False)
    events = Events(options["events"])
    watch = _load_watch()
    _look_into_copy(options)
    try:
        application = _load(options["target"])
        uvicorn = importlib.import_module("uvicorn")
    except NotThereError as error:
        events.send(not_there=str(error))
        raise
    except BaseException as error:  # whatever the user's modules raise
        events.send(failed=in_a_line(error))
        raise
    driven = _driven(watch, application, options, events)
    _obey(options["control"], driven.watcher, events)
    _serve(uvicorn, driven, application, events)


def _load_watch() -> Foreign:
    """From beside this file, under a name that no application has."""
    folder = Path(__file__).with_name("watch")
    name = "_fastoffload_watch"
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec
    assert spec.loader
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _look_into_copy(options: dict[str, Any]) -> None:
    """Import from the copy, also where the environment's .pth files name the original."""
    root, copy = Path(options["root"]), Path(options["copy"])
    paths = [*options["paths"], *sys.path[1:]]  # the first is this script's folder
    sys.path[:] = [_in_copy(path, root, copy) for path in paths]


def _in_copy(path: str, root: Path, copy: Path) -> str:
    below = Path(path)
    if not below.is_relative_to(root) or Path(sys.prefix) in (below, *below.parents):
        return path
    return str(copy / below.relative_to(root))


def _load(target: str) -> Foreign:
    module_name, _, attribute = target.partition(":")
    found = _imported(module_name)
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise NotThereError(f"{module_name} has no {attribute}")
        found = getattr(found, part)
    # A factory takes nothing; an application takes a request.
    if inspect.isfunction(found) and not inspect.signature(found).parameters:
        return found()
    return found


def _imported(name: str) -> Foreign:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and f"{name}.".startswith(f"{error.name}."):  # not one that it imports itself
            raise NotThereError(f"there is no module {error.name}") from error
        raise


def in_a_line(error: BaseException) -> str:
    """An error, as it would be said in one line."""
    lines = [line.strip() for line in str(error).splitlines()]
    text = "; ".join(line for line in lines if line and not line.startswith(NOISE))
    cause = f", because of {in_a_line(error.__cause__)}" if error.__cause__ else ""
    return f"{type(error).__name__}: {text}{cause}"[:500]


def _driven(
    watch: Foreign, application: Foreign, options: dict[str, Any], events: Events
) -> Foreign:
    def tell(stall: Foreign) -> None:
        fields = {name: value for name, value in vars(stall).items() if name != "scope"}
        number = _number(stall.scope)
        if number is None:  # of no request, such as a task on its own: of the newest before it
            number = max((key for key, at in begun.items() if at <= stall.at), default=None)
        events.send(stall=fields, request=number)

    begun: dict[int, float] = {}

    class Driven(watch.BlockingWatch):  # type: ignore[misc]
        async def __call__(self, scope: Foreign, receive: Foreign, send: Foreign) -> None:
            if (number := _number(scope)) is not None:
                begun[number] = time.monotonic()
            try:
                await super().__call__(scope, receive, send)
            except BaseException as error:
                if scope["type"] == "lifespan":
                    events.send(failed=in_a_line(error))
                raise
            finally:
                if number is not None:
                    events.send(done=number)

    roots = (options["copy"], options["root"])
    return Driven(application, limit=options["limit"], roots=roots, tell=tell)


def _number(scope: Foreign) -> int | None:
    headers = dict((scope or {}).get("headers", ()))
    return int(headers[REQUEST]) if REQUEST in headers else None


def _obey(control: int, watcher: Foreign, events: Events) -> None:
    def obey() -> None:
        with os.fdopen(control) as commands:
            for _ in commands:
                events.send(settled=watcher.settle())
        os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=obey, name="doctor", daemon=True).start()


def _serve(uvicorn: Foreign, driven: Foreign, application: Foreign, events: Events) -> None:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))

    class Server(uvicorn.Server):  # type: ignore[misc]
        async def startup(self, sockets: Foreign = None) -> None:
            await super().startup(sockets=sockets)
            if self.started:
                opens = bool(self.config.ws_protocol_class)
                port = listening.getsockname()[1]
                events.send(ready=port, opens_sockets=opens, **_described(application))

    config = uvicorn.Config(driven, log_level="warning", access_log=False)
    Server(config).run(sockets=[listening])


def _described(application: Foreign) -> dict[str, Any]:
    """Its OpenAPI document, if it has one to give, and the paths of what no such document has."""
    while not hasattr(application, "openapi") and hasattr(application, "app"):
        application = application.app  # what is wrapped in a middleware
    try:
        document = application.openapi()
        json.dumps(document)
    except Exception as error:  # noqa: BLE001 (a schema of the user's own may raise anything)
        return {"openapi": None, "why": in_a_line(error)}
    routes = list(_routes(application))
    sockets = [path for route, path in routes if type(route).__name__.endswith("SocketRoute")]
    graphql = {path for route, path in routes if _is_graphql(route)}
    described = {"openapi": document, "why": ""}
    return described | {"websockets": sockets, "graphql": sorted(graphql)}


def _routes(application: Foreign) -> Iterator[tuple[Foreign, str]]:
    """Each with its path; newer FastAPI keeps those of included routers apart."""
    contexts = getattr(importlib.import_module("fastapi.routing"), "iter_route_contexts", None)
    for route in contexts(application.routes) if contexts else application.routes:
        yield getattr(route, "original_route", route), getattr(route, "path", None) or ""


def _is_graphql(route: Foreign) -> bool:
    served = [getattr(route, name, None) for name in ("endpoint", "app")]
    modules = [getattr(each, "__module__", "") or "" for each in served]
    return any(module.partition(".")[0] in GRAPHQL for module in modules)


if __name__ == "__main__":
    main()

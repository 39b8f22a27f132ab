"""What runs on the event loop: routes, dependencies, middleware, resolvers, …"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from fastoffload.doctor.findings import Kind
from fastoffload.doctor.reading.resolving.bindings import Function as FunctionNode
from fastoffload.doctor.reading.resolving.bindings import within
from fastoffload.doctor.reading.resolving.expressions import DEPENDS, Resolver
from fastoffload.doctor.reading.resolving.values import (
    Class,
    External,
    Function,
    Instance,
    Scope,
    decorators,
    every_scope,
)
from fastoffload.doctor.reading.routers import Routers
from fastoffload.doctor.reading.steps import ADDING
from fastoffload.doctor.reading.wrappers import wrapped

VERB = "get|post|put|patch|delete|head|options|trace"
VERBS = set(VERB.split("|"))
DECORATES = re.compile(
    rf"@[\w.]+\.({VERB}|api_route|route|websocket|websocket_route|middleware|on_event|"
    r"exception_handler|field|mutation|subscription|source)\b"
    rf"|@[\w.]+\(\s*[\w.]+\.({VERB}|api_route|websocket)\b".encode()
)
REGISTERS = re.compile(
    rb"\b(add_api_route|add_route|add_websocket_route|add_api_websocket_route|add_middleware|"
    rb"add_event_handler|add_exception_handler|add_task|Depends|Security|FastAPI|Starlette|"
    rb"Middleware|BaseHTTPMiddleware|BackgroundTask|strawberry|lifespan|resolve_\w+)\b"
)
# Names of bases for which it is worth to look what a class is.
BASES = re.compile(r"\w*(Middleware|ObjectType)")
GRAPHQL = ("strawberry.", "ariadne.")
RESOLVERS = {"field", "mutation", "subscription", "source", "type_resolver", "alias"}


@dataclass(frozen=True, slots=True)
class Entry:
    """A function that the loop runs."""

    kind: Kind
    name: str
    function: Function
    is_added: bool = False
    """A background task that FastAPI runs: in a thread, if it were a plain function."""

    @property
    def in_thread_as_def(self) -> bool:
        """Whether it would run in a thread if it were a plain function."""
        return self.kind in ("route", "dependency") or self.is_added


class Entries:
    """Finds the entries of a project."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._routers = Routers(resolver)

    def all(self) -> list[Entry]:
        """All of them, each function once."""
        found: dict[tuple[object, str], Entry] = {}
        for module in self._resolver.project.modules:
            if module.mentions(DECORATES) or module.mentions(REGISTERS):
                for scope in every_scope(Scope(module, module.tree)):
                    for entry in self._in(scope):
                        found.setdefault((entry.function.node, entry.name), entry)
        return list(found.values())

    def _in(self, scope: Scope) -> Iterator[Entry]:
        for node in within(scope.node):
            if isinstance(node, FunctionNode):
                yield from self._declared(node, scope)
            elif isinstance(node, ast.Call):
                yield from self._registered(node, scope)
        if isinstance(scope.node, ast.ClassDef):
            yield from self._of_class(scope)
        if isinstance(scope.node, FunctionNode):
            yield from self._annotated(scope)

    # ----- by a decorator

    def _declared(self, node: FunctionNode, scope: Scope) -> Iterator[Entry]:
        function = _function(node, scope)
        for decorator in node.decorator_list:
            for kind, name in self._decorated(decorator, function, scope):
                if "repeat_every" in decorators(node):  # of fastapi_utils: a thread, if it is plain
                    yield from self._repeated(function)
                elif function.is_async or kind in ("resolver", "startup"):
                    yield from self._entry(kind, name, function)

    def _repeated(self, function: Function) -> Iterator[Entry]:
        if function.is_async:
            yield from self._entry("background", f"background task {function.name}", function)

    def _decorated(
        self, decorator: ast.expr, function: Function, scope: Scope
    ) -> Iterator[tuple[Kind, str]]:
        named = decorator.func if isinstance(decorator, ast.Call) else decorator
        calls = [decorator] if isinstance(decorator, ast.Call) else []
        match decorator:  # the project's own, given the router's: `@protected(router.get, "/x")`
            case ast.Call(args=[ast.Attribute() as given, *rest], keywords=keywords):
                calls.append(ast.Call(given, rest, keywords))
        for call in calls:
            on = call.func
            if isinstance(on, ast.Attribute) and self._routers.declare_on(on.value, call, scope):
                yield from self._on_router(on, call, function, scope)
        if self._is_graphql(named, scope):
            yield "resolver", f"resolver {function.name}"

    def _on_router(
        self, named: ast.Attribute, call: ast.Call, function: Function, scope: Scope
    ) -> Iterator[tuple[Kind, str]]:
        match named.attr:
            case "websocket" | "websocket_route":
                yield (
                    "websocket",
                    f"WebSocket {self._routers.declared_path(named.value, call, scope)}",
                )
            case "middleware":
                yield "middleware", f"middleware {function.name}"
            case "exception_handler":
                yield "middleware", f"exception handler {function.name}"
            case "on_event":
                yield "startup", f"startup {function.name}"
            case verb if verb in VERBS | {"api_route", "route"}:
                verbs = verb.upper() if verb in VERBS else self._routers.methods(call, scope)
                yield "route", f"{verbs} {self._routers.declared_path(named.value, call, scope)}"

    def _is_graphql(self, named: ast.expr, scope: Scope) -> bool:
        if str(getattr(named, "attr", getattr(named, "id", ""))) not in RESOLVERS:
            return False
        values = self._resolver.evaluate(named, scope)
        return any(isinstance(v, External) and v.path.startswith(GRAPHQL) for v in values)

    # ----- by a call

    def _registered(self, node: ast.Call, scope: Scope) -> Iterator[Entry]:
        given = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
        name = str(getattr(node.func, "attr", getattr(node.func, "id", "")))
        match name:
            case "Depends" | "Security":
                yield from self._dependency(node, scope)
            case "add_middleware" | "Middleware" if node.args:
                yield from self._middleware(node.args[0], scope)
            case "add_api_route" | "add_route" | "add_websocket_route" | "add_api_websocket_route":
                yield from self._added_route(node, given, scope)
            case "add_exception_handler" | "add_event_handler" if len(node.args) > 1:
                kind: Kind = "startup" if name == "add_event_handler" else "middleware"
                label = "startup" if kind == "startup" else "exception handler"
                yield from self._of(kind, label, node.args[1], scope)
            case _ if name in ADDING and node.args:
                yield from self._of("background", "background task", node.args[0], scope)
        yield from self._options(given, scope)

    def _options(self, given: dict[str, ast.expr], scope: Scope) -> Iterator[Entry]:
        if "resolver" in given:
            yield from self._of("resolver", "resolver", given["resolver"], scope)
        if "lifespan" in given:
            yield from self._of("startup", "lifespan", given["lifespan"], scope)
        for handlers in (given.get("on_startup"), given.get("on_shutdown")):
            for handler in getattr(handlers, "elts", []):
                yield from self._of("startup", "startup", handler, scope)

    def _dependency(self, node: ast.Call, scope: Scope) -> Iterator[Entry]:
        called = self._resolver.evaluate(node.func, scope)
        if node.args and any(isinstance(v, External) and v.path in DEPENDS for v in called):
            yield from self._of("dependency", "dependency", node.args[0], scope)

    def _middleware(self, node: ast.expr, scope: Scope) -> Iterator[Entry]:
        for value in self._resolver.evaluate(node, scope):
            if isinstance(value, Class):
                for name in ("dispatch", "__call__"):
                    method = self._resolver.method(value, name)
                    if method and method.is_async:
                        label = f"middleware {value.node.name}"
                        yield from self._entry("middleware", label, method)

    def _added_route(
        self, node: ast.Call, given: dict[str, ast.expr], scope: Scope
    ) -> Iterator[Entry]:
        endpoint = node.args[1] if len(node.args) > 1 else given.get("endpoint")
        if endpoint is None or not isinstance(node.func, ast.Attribute):
            return
        path = self._routers.declared_path(node.func.value, node, scope)
        is_socket = "websocket" in node.func.attr
        label = f"WebSocket {path}" if is_socket else f"{self._routers.methods(node, scope)} {path}"
        for function in self._callables(endpoint, scope):
            if function.is_async:
                yield from self._entry("websocket" if is_socket else "route", label, function)

    def _of(self, kind: Kind, label: str, node: ast.expr, scope: Scope) -> Iterator[Entry]:
        for function in self._callables(node, scope):
            if function.is_async or kind in ("resolver", "startup"):
                yield from self._entry(kind, f"{label} {function.name}", function)

    def _callables(self, node: ast.expr, scope: Scope) -> Iterator[Function]:
        for value in self._resolver.evaluate(node, scope):
            if isinstance(value, Instance):
                method = self._resolver.method(value, "__call__")
                yield from [method] if method else []
            elif isinstance(value, Function):
                yield value
                yield from self._resolver.overrides(value)

    # ----- by what a class or a parameter is

    def _of_class(self, scope: Scope) -> Iterator[Entry]:
        """A middleware that somebody adds from outside, graphene's resolvers."""
        of = scope.receiver.of if isinstance(scope.receiver, Instance) else None
        names = [str(getattr(n, "attr", getattr(n, "id", ""))) for n in of.node.bases] if of else []
        if of is None or not any(map(BASES.fullmatch, names)):
            return
        bases = {base.path for base in self._resolver.bases(of) if isinstance(base, External)}
        if any(path.endswith(".BaseHTTPMiddleware") for path in bases):
            method = self._resolver.method(of, "dispatch")
            if method and method.node in of.node.body:
                yield from self._entry("middleware", f"middleware {of.node.name}", method)
        if "graphene.ObjectType" in bases:
            for node in of.node.body:
                if isinstance(node, FunctionNode) and node.name.startswith("resolve_"):
                    function = _function(node, scope)
                    yield from self._entry("resolver", f"resolver {function.name}", function)

    def _annotated(self, scope: Scope) -> Iterator[Entry]:
        """`Annotated[X, Depends(…)]` in the parameters of a function."""
        node = scope.node
        outer = scope.outer
        if isinstance(node, FunctionNode) and outer is not None:
            for argument in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]:
                for each in ast.walk(argument.annotation) if argument.annotation else ():
                    if isinstance(each, ast.Call):
                        yield from self._registered(each, outer)

    def _entry(self, kind: Kind, name: str, function: Function) -> Iterator[Entry]:
        wrappers = wrapped(function, self._resolver)
        for each in (function, *wrappers):
            yield Entry(kind, name, each, is_added=kind == "background")


def _function(node: FunctionNode, scope: Scope) -> Function:
    is_method = isinstance(scope.node, ast.ClassDef)
    return Function(node, scope, scope.receiver if is_method else None)

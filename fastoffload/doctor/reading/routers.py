"""What routes are declared on, and the full path of each: with the prefixes of its routers."""

import ast
import re

from fastoffload.doctor.reading.resolving.bindings import within
from fastoffload.doctor.reading.resolving.constants import constant
from fastoffload.doctor.reading.resolving.expressions import Resolver
from fastoffload.doctor.reading.resolving.values import (
    External,
    Instance,
    Package,
    Scope,
    Value,
    every_scope,
)

INCLUDES = re.compile(rb"\.(include_router|mount)\b")
# Routers within routers; a loop of them ends here.
DEEPEST = 8
# The objects that a decorator's `.get("/x")` makes a route on.
ROUTERS = re.compile(r"(fastapi|starlette)[\w.]*\.(FastAPI|APIRouter|Starlette|Router)\(\)")
Made = tuple[ast.Call, Scope]


class Routers:
    """Where each router of the project is included."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._above: dict[ast.Call, tuple[Made | None, str]] = {}
        for module in resolver.project.modules:
            if module.mentions(INCLUDES):
                for scope in every_scope(Scope(module, module.tree)):
                    self._note(scope)

    def path(self, router: ast.expr, own: str, scope: Scope) -> str:
        """The full path of a route that is declared on a router, as far as the code says it."""
        made = self._made(router, scope)
        path = own
        for _ in range(DEEPEST):
            if made is None:
                break
            node, where = made
            path = self._option(node, "prefix", where) + path
            made, prefix = self._above.get(node, (None, ""))
            path = prefix + path
        return path or "/"

    def declare_on(self, node: ast.expr, call: ast.Call, scope: Scope) -> bool:
        """Whether routes are declared on it; if nothing is known of it, a path tells."""
        values = self._resolver.evaluate(node, scope)
        if values:
            return any(self._routes(value) for value in values)
        path = call.args[0] if call.args else None
        return isinstance(path, ast.Constant) and str(path.value)[:1] in ("/", "")

    def _routes(self, value: Value) -> bool:
        match value:
            case External(path=path):
                return ROUTERS.fullmatch(path) is not None or path.endswith("Router()")
            case Instance(of=of):
                bases = self._resolver.bases(of)
                return any(
                    self._routes(External(f"{b.path}()")) for b in bases if isinstance(b, External)
                )
        return False

    def declared_path(self, router: ast.expr, call: ast.Call, scope: Scope) -> str:
        """The full path of the route that a decorator or a call declares."""
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        node = call.args[0] if call.args else given.get("path")
        own = constant(node, scope, self._resolver)
        return self.path(router, str(own or ""), scope)

    def methods(self, call: ast.Call, scope: Scope) -> str:
        """The HTTP methods that the call names."""
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        methods = getattr(given.get("methods"), "elts", [])
        names = [str(constant(each, scope, self._resolver)) for each in methods]
        return ",".join(names) or "ANY"

    def _note(self, scope: Scope) -> None:
        for node in within(scope.node):
            match node:
                case ast.Call(func=ast.Attribute(value=above, attr="include_router")) if node.args:
                    prefix = self._option(node, "prefix", scope)
                    self._include(node.args[0], above, prefix, scope)
                case ast.Call(func=ast.Attribute(value=above, attr="mount"), args=[path, app, *_]):
                    prefix = str(constant(path, scope, self._resolver) or "")
                    self._include(app, above, prefix, scope)

    def _include(self, router: ast.expr, above: ast.expr, prefix: str, scope: Scope) -> None:
        made = self._made(router, scope)
        if made is not None:
            self._above.setdefault(made[0], (self._made(above, scope), prefix))

    def _option(self, node: ast.Call, name: str, scope: Scope) -> str:
        values = (keyword.value for keyword in node.keywords if keyword.arg == name)
        return str(constant(next(values, None), scope, self._resolver) or "")

    def _made(self, node: ast.expr, scope: Scope) -> Made | None:
        """The call that made the router which an expression names."""
        match node:
            case ast.Name(id=name):
                return self._bound(name, scope)
            case ast.Attribute(value=value, attr=name):
                packages = self._resolver.evaluate(value, scope)
                modules = (v.module for v in packages if isinstance(v, Package) and v.module)
                found = (self._bound(name, Scope(module, module.tree)) for module in modules)
                return next(filter(None, found), None)
        return None

    def _bound(self, name: str, scope: Scope) -> Made | None:
        found = self._resolver.binding(name, scope)
        if found and isinstance(found[0].node, ast.Call) and found[0].how in ("value", "typed"):
            return found[0].node, found[1]
        return None

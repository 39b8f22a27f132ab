"""What an expression may be."""

import ast
import re
from collections.abc import Iterator

from fastoffload.doctor.blocking import Catalog
from fastoffload.doctor.reading.resolving.bindings import within
from fastoffload.doctor.reading.resolving.calls import BARE, Calls, held
from fastoffload.doctor.reading.resolving.closures import relevant
from fastoffload.doctor.reading.resolving.names import MOST_VALUES
from fastoffload.doctor.reading.resolving.values import (
    Class,
    External,
    Function,
    Instance,
    Items,
    Package,
    Parts,
    Scope,
    Value,
    Values,
    every_scope,
)
from fastoffload.doctor.reading.sources import Module, Project

# What gives back its first argument, as far as it matters here.
SAME = {
    "functools.partial", "copy.copy", "copy.deepcopy", "iter", "list", "tuple", "sorted", "set",
    "reversed", "contextlib.closing", "contextlib.contextmanager", "contextlib.asynccontextmanager",
    "functools.wraps()", "functools.cache", "functools.lru_cache", "functools.lru_cache()",
    "asyncio.wait_for", "asyncio.shield",
    *(f"dependency_injector.providers.{name}" for name in (
        "Factory", "Singleton", "ThreadSafeSingleton", "ContextLocalSingleton", "Callable")),
}  # fmt: skip
STATE = re.compile(rb"\bstate\.(\w+)\s*(?::[^=\n]+)?=[^=]")
OF_ITEMS = {"get", "pop", "setdefault", "values", "copy", "popleft"}
# They give an object of the class that they are asked for.
CONTAINERS = ("injector.Injector().get", "punq.Container().resolve", "lagom.Container().resolve")
DEPENDS = ("fastapi.Depends", "fastapi.Security", "fastapi.param_functions.Depends")


class Resolver(Calls):
    """Reads expressions: the top layer, and the one that others use."""

    def __init__(self, project: Project, catalog: Catalog) -> None:
        super().__init__(project, catalog)
        self._keeping: dict[str, list[Module]] = {}

    def evaluate(self, node: ast.AST | None, scope: Scope) -> Values:
        """What the expression may be, read in the scope; nothing if that is unknown."""
        if isinstance(node, ast.Name):
            return self.name(node.id, scope)
        if node is None or isinstance(node, ast.Constant):
            return ()
        return self.memory.ask(self._evaluate, node, relevant(node, scope))

    def _evaluate(self, node: ast.AST, scope: Scope) -> Values:
        return tuple(dict.fromkeys(self._expression(node, scope)))[:MOST_VALUES]

    def _expression(self, node: ast.AST, scope: Scope) -> Values:
        match node:
            case ast.Attribute(value=value, attr=name):
                return self._attribute(value, name, scope)
            case ast.Call():
                return self._call(node, scope)
            case ast.Await(value=value) | ast.NamedExpr(value=value) | ast.Starred(value=value):
                return self.evaluate(value, scope)
            case ast.Subscript(value=value):
                return self._element(node, self.evaluate(value, scope))
            case ast.Lambda():
                return (Function(node, scope),)
            case _:
                return self._compound(node, scope)

    def _compound(self, node: ast.AST, scope: Scope) -> Values:
        match node:
            case ast.BoolOp(values=nodes):
                return self.evaluated(nodes, scope)
            case ast.IfExp(body=body, orelse=other):
                return self.evaluated([body, other], scope)
            case ast.BinOp(left=left, op=ast.Div()):  # of a path
                return self.evaluate(left, scope)
            case ast.List(elts=[]) | ast.Dict(values=[]):
                return (Items(()),)
            case ast.Tuple(elts=nodes):
                return (Parts(tuple(self.evaluate(each, scope) for each in nodes)),)
        return held(self._holding(node, scope))

    def _holding(self, node: ast.AST, scope: Scope) -> Values:
        """What a list, a set, a dictionary or a comprehension holds."""
        match node:
            case ast.List(elts=nodes) | ast.Set(elts=nodes) | ast.Dict(values=nodes):
                return self.evaluated(nodes, scope)
            case ast.ListComp() | ast.GeneratorExp() | ast.SetComp():
                return self.evaluate(node.elt, scope)
            case ast.DictComp(value=value):
                return self.evaluate(value, scope)
        return ()

    def evaluated(self, nodes: list[ast.expr], scope: Scope) -> Values:
        """What any of the expressions may be."""
        return tuple(value for node in nodes for value in self.evaluate(node, scope))

    def _attribute(self, of: ast.expr, name: str, scope: Scope) -> Values:
        if _is_super(of):
            return self._super(name, scope)
        if isinstance(of, ast.JoinedStr) or (isinstance(of, ast.Constant) and of.value is not None):
            return (External(f"str().{name}"),)
        if _is_state(of):
            kept = self._kept_in_state(name)
            if kept:
                return kept
        return self.each(self.evaluate(of, scope), lambda value: self.attribute(value, name))

    def attribute(self, value: Value, name: str) -> Values:
        """What `value.name` may be."""
        match value:
            case Package(module=module, name=package):
                own = self.in_module(name, module) if module else ()
                return own or self._package(f"{package}.{name}", module or self.project.modules[0])
            case Class() | Instance():
                return self.member(name, value)
            case External(path=path):
                return (self.external(f"{path}.{name}"),)
            case Items():
                return (External(f"list().{name}"),)
        return ()

    def _element(self, node: ast.Subscript, values: Values) -> Values:
        match node.slice:
            case ast.Constant(value=int(index)):
                return self.each(values, lambda value: self._part(value, index))
            case ast.Slice():
                return values
        return self.each(values, lambda v: (v,) if isinstance(v, Class) else self.items(v))

    def _call(self, node: ast.Call, scope: Scope) -> Values:
        if isinstance(node.func, ast.Attribute) and node.func.attr in OF_ITEMS:
            holders = self.evaluate(node.func.value, scope)
            if any(isinstance(value, Items) for value in holders):
                return self.each(holders, self.items)
        callees = self.evaluate(node.func, scope)
        return self.each(callees, lambda callee: self.called(callee, node, scope))

    def called(self, callee: Value, node: ast.Call, scope: Scope) -> Values:
        match callee:
            case Class():
                return (self.constructed(callee, node, scope),)
            case Function():
                return self.returned(self.calling(callee, node, scope))
            case Instance():
                method = self.method(callee, "__call__")
                return self.returned(method) if method else ()
            case External(path=path):
                return self._called_external(path, node, scope)
        return ()

    def _called_external(self, path: str, node: ast.Call, scope: Scope) -> Values:
        first = node.args[0] if node.args else None
        if path in SAME:
            return self.evaluate(first, scope)
        if path == "typing.cast":
            return self.annotated(first, scope)
        if path in CONTAINERS:
            return self.annotated(first, scope)
        if path in DEPENDS:
            return self.dependency(first, scope)
        if path == "next":
            return self.each(self.evaluate(first, scope), self.items)
        if path == "asyncio.to_thread" or path.endswith("run_in_threadpool"):
            return self.each(self.evaluate(first, scope), lambda v: self.called(v, BARE, scope))
        return (self.external(f"{path}()"),)

    def _kept_in_state(self, name: str) -> Values:
        """What the project assigns to `….state.name`, anywhere."""
        if not self._keeping:
            for module in self.project.modules:
                for kept in STATE.findall(module.source):
                    self._keeping.setdefault(kept.decode(), []).append(module)
        return self.memory.ask(self._of_state, name)

    def _of_state(self, name: str) -> Values:
        modules = dict.fromkeys(self._keeping.get(name, []))
        found = [value for module in modules for value in self._state_in(module, name)]
        return tuple(dict.fromkeys(found))[:MOST_VALUES]

    def _state_in(self, module: Module, name: str) -> Iterator[Value]:
        for scope in every_scope(Scope(module, module.tree)):
            for node in within(scope.node):
                targets = (
                    node.targets
                    if isinstance(node, ast.Assign)
                    else [getattr(node, "target", None)]
                )
                if any(
                    isinstance(t, ast.Attribute) and t.attr == name and _is_state(t.value)
                    for t in targets
                ):
                    yield from self.evaluate(getattr(node, "value", None), scope)

    def _super(self, name: str, scope: Scope) -> Values:
        """What `super().name` may be."""
        inside = scope.outer
        if inside is None or inside.outer is None or scope.receiver is None:
            return ()
        if not isinstance(inside.node, ast.ClassDef):
            return ()
        return self.above(Class(inside.node, inside.outer), name, scope.receiver)


def _is_state(node: ast.expr) -> bool:
    """Whether it is the state of an application or a request: `app.state`, `request.state`."""
    return isinstance(node, ast.Attribute) and node.attr == "state"


def _is_super(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super"
    )

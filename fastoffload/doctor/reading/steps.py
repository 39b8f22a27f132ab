"""What a function does on the loop: what it calls, what blocks in it, what it starts beside."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from fastoffload.doctor.blocking import Library
from fastoffload.doctor.reading.loops import long_loop
from fastoffload.doctor.reading.resolving.classes import is_property
from fastoffload.doctor.reading.resolving.expressions import Resolver
from fastoffload.doctor.reading.resolving.values import (
    Class,
    External,
    Function,
    Instance,
    Scope,
    Value,
    Values,
    is_generator,
)
from fastoffload.doctor.reading.uses import Uses
from fastoffload.doctor.reading.wrappers import wrapped

# Their argument runs beside the function, on the same loop.
SPAWNING = {
    "create_task", "ensure_future", "start_soon", "call_soon", "call_later", "call_at",
    "call_soon_threadsafe", "add_done_callback",
}  # fmt: skip
# The same for `async def`; a plain function they run in a thread.
ADDING = {"add_task", "BackgroundTask"}
# What is given to them runs on another loop or in a thread.
ELSEWHERE = {
    "asyncio.run",
    "asyncio.run_coroutine_threadsafe",
    "anyio.run",
    "anyio.from_thread.run",
}
ENTERED = ("__enter__", "__exit__", "__aenter__", "__aexit__")


@dataclass(frozen=True, slots=True)
class Block:
    """A call that holds the loop."""

    call: str
    library: Library
    line: int


@dataclass(slots=True)
class Steps:
    """What one function does."""

    blocks: list[Block] = field(default_factory=list)
    calls: list[Function] = field(default_factory=list)
    spawned: list[Function] = field(default_factory=list)
    total_calls: int = 0
    unknown_calls: int = 0
    """Calls whose target the code does not tell."""


class Body:
    """Some nodes of a function while they are read."""

    def __init__(
        self, resolver: Resolver, scope: Scope, used: Uses, nodes: tuple[ast.AST, ...]
    ) -> None:
        self._resolver = resolver
        self._scope = scope
        self._found = Steps()
        self._nodes = nodes
        self._awaited = used.awaited
        self._consumed = used.consumed
        self._moved = set(self._moved_calls())

    def steps(self) -> Steps:
        for node in self._nodes:
            if id(node) in self._consumed and isinstance(node, ast.expr):
                self._iterated(node)
            match node:
                case ast.Subscript(value=value, ctx=ast.Load()):
                    self._iterated(value)
                case ast.Call() if id(node) not in self._moved:
                    self._call(node)
                case ast.Attribute(ctx=ast.Load()):
                    self._attribute(node)
                case ast.With() | ast.AsyncWith():
                    self._with(node)
                case ast.For() | ast.While() | ast.comprehension():
                    self._loop(node)
        return self._found

    def _moved_calls(self) -> Iterator[int]:
        """Calls whose result runs elsewhere or beside: they are not steps of this function."""
        for node in self._nodes:
            if isinstance(node, ast.Call):
                name = _last(node.func)
                if name in SPAWNING:
                    yield from self._spawn(node, also_sync=True)
                elif name in ADDING:
                    yield from self._spawn(node, also_sync=False)
                elif any(
                    isinstance(v, External) and v.path in ELSEWHERE
                    for v in self._evaluate(node.func)
                ):
                    yield from (id(argument) for argument in node.args)

    def _spawn(self, node: ast.Call, *, also_sync: bool) -> Iterator[int]:
        for argument in [*node.args, *(keyword.value for keyword in node.keywords)]:
            callee = argument.func if isinstance(argument, ast.Call) else argument
            if isinstance(argument, ast.Call):
                yield id(argument)
            for value in self._evaluate(callee):
                for function in self._functions(
                    value, argument if isinstance(argument, ast.Call) else None
                ):
                    if function.is_async or (also_sync and not isinstance(argument, ast.Call)):
                        self._found.spawned.append(function)

    def _call(self, node: ast.Call) -> None:
        values = self._evaluate(node.func)
        self._found.total_calls += 1
        self._found.unknown_calls += not values
        for value in values:
            if isinstance(value, External):
                self._external(value.path, node)
            elif isinstance(value, Instance):
                self._external_base(value, node)
            for function in self._functions(value, node):
                self._follow(function, node)

    def _iterated(self, node: ast.expr) -> None:
        """What blocks when somebody wants its elements: a query that was not run before."""
        for value in self._evaluate(node):
            if isinstance(value, External) and id(node) not in self._awaited:
                library = self._resolver.catalog.iterated(value.path)
                if library:
                    self._found.blocks.append(Block(value.path, library, node.lineno))

    def _external(self, path: str, node: ast.Call) -> None:
        library = self._resolver.catalog.blocking(path)
        if library and id(node) not in self._awaited:
            self._found.blocks.append(Block(path, library, node.lineno))

    def _external_base(self, value: Instance, node: ast.Call) -> None:
        """A call of an object whose class comes from a library: a model."""
        for base in self._resolver.bases(value.of):
            if isinstance(base, External):
                self._external(f"{base.path}()", node)

    def _functions(self, value: Value, node: ast.Call | None) -> Iterator[Function]:
        """The functions that run when a value is called."""
        resolver = self._resolver
        match value:
            case Function():
                found = [value, *resolver.overrides(value)]
            case Class():
                names = ("__init__", "__post_init__", "__new__")
                found = [m for name in names if (m := resolver.method(value, name))]
            case Instance():
                found = [m for m in [resolver.method(value, "__call__")] if m]
            case _:
                found = []
        for function in found:
            yield resolver.calling(function, node, self._scope) if node else function

    def _follow(self, function: Function, node: ast.Call) -> None:
        if is_generator(function.node) and not function.is_async and id(node) not in self._consumed:
            return  # nothing of it runs yet; a streaming response iterates it in a thread
        wrappers = wrapped(function, self._resolver)
        if not (wrappers and id(node) in self._awaited and not function.is_async):
            self._found.calls.append(function)
        self._found.calls += wrappers

    def _attribute(self, node: ast.Attribute) -> None:
        for value in self._evaluate(node.value):
            if isinstance(value, Instance):
                method = self._resolver.method(value, node.attr)
                if is_property(method):
                    self._found.calls.append(method)

    def _with(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            for value in self._evaluate(item.context_expr):
                if isinstance(value, Instance):
                    methods = (self._resolver.method(value, name) for name in ENTERED)
                    self._found.calls += [method for method in methods if method]

    def _loop(self, node: ast.For | ast.While | ast.comprehension) -> None:
        call = long_loop(node, self._scope, self._resolver)
        library = self._resolver.catalog.blocking(call) if call else None
        if call and library:
            line = getattr(node, "lineno", None) or node.iter.lineno  # type: ignore[union-attr]
            self._found.blocks.append(Block(call, library, line))

    def _evaluate(self, node: ast.AST) -> Values:
        return self._resolver.evaluate(node, self._scope)


def _last(node: ast.expr) -> str:
    return str(getattr(node, "attr", getattr(node, "id", "")))

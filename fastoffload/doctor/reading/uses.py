"""What becomes of the result of a call."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import groupby

from fastoffload.doctor.reading.resolving.closures import free

# They iterate a generator where they stand.
CONSUMING = {
    "list",
    "tuple",
    "set",
    "sum",
    "next",
    "any",
    "all",
    "min",
    "max",
    "sorted",
    "dict",
    "join",
}


# What a function does is read off these.
STEPS = {ast.Call, ast.With, ast.AsyncWith, ast.For, ast.While, ast.comprehension}
READS = {ast.Subscript, ast.Attribute}


@dataclass(frozen=True, slots=True, eq=False)
class Uses:
    """Of the nodes of a function: those that may be steps, and what becomes of calls."""

    steps: tuple[ast.AST, ...]
    awaited: frozenset[int]
    """Calls whose result is awaited: they belong to an async library, whatever they look like."""
    consumed: frozenset[int]
    """Calls whose generator is iterated where it stands."""


@cache  # a function is read for many callers
def uses(nodes: tuple[ast.AST, ...]) -> Uses:
    """What is the same for every caller of the function that has the nodes."""
    iterated = frozenset(_consumed(nodes))
    steps = (node for node in nodes if _is_step(node) or id(node) in iterated)
    return Uses(tuple(steps), frozenset(_awaited(nodes)), iterated)


@cache
def runs(used: Uses, names: frozenset[str]) -> tuple[tuple[tuple[ast.AST, ...], bool], ...]:
    """The steps in runs, each with whether none of it hangs on the names."""
    if not names:
        return ((used.steps, False),)
    own: set[int] = set()
    for node in used.steps:
        if not names.isdisjoint(free(node)):
            # A call may run its arguments elsewhere: they are read with it.
            own.update(map(id, ast.walk(node) if isinstance(node, ast.Call) else [node]))
    grouped = groupby(used.steps, lambda node: id(node) not in own)
    return tuple((tuple(nodes), is_shared) for is_shared, nodes in grouped)


def _is_step(node: ast.AST) -> bool:
    kind = type(node)
    return kind in STEPS or (kind in READS and isinstance(node.ctx, ast.Load))  # type: ignore[attr-defined]


def _awaited(nodes: tuple[ast.AST, ...]) -> Iterator[int]:
    for node in nodes:
        match node:
            case ast.Await(value=value) | ast.AsyncFor(iter=value):
                yield id(value)
            case ast.AsyncWith(items=items):
                yield from (id(item.context_expr) for item in items)
            case ast.comprehension(iter=value, is_async=1):
                yield id(value)


def _consumed(nodes: tuple[ast.AST, ...]) -> Iterator[int]:
    for node in nodes:
        match node:
            case ast.For() | ast.comprehension():
                yield id(node.iter)
            case ast.YieldFrom(value=value) | ast.Starred(value=value):
                yield id(value)
            case ast.withitem(context_expr=value):
                yield id(value)
            case ast.Call(func=func, args=arguments) if (
                str(getattr(func, "attr", getattr(func, "id", ""))) in CONSUMING
            ):
                yield from map(id, arguments)

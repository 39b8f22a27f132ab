"""What becomes of the result of a call."""

import ast
from collections.abc import Iterator

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


def awaited(nodes: tuple[ast.AST, ...]) -> Iterator[int]:
    """Calls whose result is awaited: they belong to an async library, whatever they look like."""
    for node in nodes:
        match node:
            case ast.Await(value=value) | ast.AsyncFor(iter=value):
                yield id(value)
            case ast.AsyncWith(items=items):
                yield from (id(item.context_expr) for item in items)
            case ast.comprehension(iter=value, is_async=1):
                yield id(value)


def consumed(nodes: tuple[ast.AST, ...]) -> Iterator[int]:
    """Calls whose generator is iterated where it stands."""
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

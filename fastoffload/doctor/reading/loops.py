"""Loops that surely compute for long; others are not told, for a guess is nearly always wrong."""

import ast

from fastoffload.doctor.reading.resolving.bindings import within
from fastoffload.doctor.reading.resolving.constants import number
from fastoffload.doctor.reading.resolving.expressions import Resolver
from fastoffload.doctor.reading.resolving.values import External, Scope

# About a tenth of a second of Python.
MANY_ROUNDS = 1_000_000
CLOCKS = {
    f"time.{name}{unit}"
    for name in ("time", "monotonic", "perf_counter", "process_time", "thread_time")
    for unit in ("", "_ns")
}
PAUSES = (ast.Await, ast.AsyncFor, ast.AsyncWith, ast.Yield)


def long_loop(
    node: ast.For | ast.While | ast.comprehension, scope: Scope, resolver: Resolver
) -> str | None:
    """The loop's name in the data file if it surely holds the event loop; else None."""
    if isinstance(node, ast.While):
        looks = [each for each in ast.walk(node.test) if isinstance(each, ast.Call)]
        waits = any(_is_clock(look, scope, resolver) for look in looks)
        return "loop on the clock" if waits and not _pauses(node) else None
    if isinstance(node, ast.For) and _pauses(node):
        return None
    return "loop over range" if _rounds(node, scope, resolver) >= MANY_ROUNDS else None


def _rounds(node: ast.For | ast.comprehension, scope: Scope, resolver: Resolver) -> float:
    """The rounds of a loop over `range`, those of a loop inside it counted; 0 if unknown."""
    match node.iter:
        case ast.Call(func=ast.Name(id="range"), args=[stop]):
            own = number(stop, scope, resolver)
        case ast.Call(func=ast.Name(id="range"), args=[start, stop, *_]):
            own = number(stop, scope, resolver) - number(start, scope, resolver)
        case _:
            return 0
    inner = [each for each in within(node) if isinstance(each, ast.For)]
    return own * max([1, *(_rounds(each, scope, resolver) for each in inner)])


def _is_clock(node: ast.Call, scope: Scope, resolver: Resolver) -> bool:
    values = resolver.evaluate(node.func, scope)
    return any(isinstance(value, External) and value.path in CLOCKS for value in values)


def _pauses(node: ast.AST) -> bool:
    return any(isinstance(each, PAUSES) for each in within(node))

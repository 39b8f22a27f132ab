"""What a line calls, by its source and its module's names."""

from __future__ import annotations

import ast
import dis
import inspect
import linecache
from functools import cache
from itertools import islice
from types import CodeType, ModuleType
from typing import Any

from .stack import Step


def call_at(step: Step, library: Step | None) -> str:
    """The full name of what is called there; `library` is the frame of it, if it has one."""
    called = _called(step)
    if called and (known := _resolved(called, step.names)):
        return known
    if library:
        return library.dotted
    return called or step.dotted


@cache
def awaits(code: CodeType) -> bool:
    """Whether a coroutine function awaits; true of anything else, which cannot become a `def`."""
    if not code.co_flags & inspect.CO_COROUTINE:
        return True
    return any(step.opname in ("GET_AWAITABLE", "GET_AITER") for step in dis.get_instructions(code))


def _called(step: Step) -> str:
    """The source of the function that is called."""
    try:
        body = ast.parse(_source(step).strip(), mode="eval").body
    except SyntaxError:  # it is not an expression, or cut
        return ""
    node = body.value if isinstance(body, ast.Await) else body
    return ast.unparse(node.func) if isinstance(node, ast.Call) else ""


def _source(step: Step) -> str:
    """The expression that a step is in."""
    if not hasattr(step.code, "co_positions"):  # before Python 3.11
        return ""
    positions = islice(step.code.co_positions(), max(step.instruction, 0) // 2, None)
    line, end_line, column, end_column = next(positions, (None,) * 4)
    if line is None or end_line is None:
        return ""
    lines = [_bytes(step, number) for number in range(line, end_line + 1)]
    lines[-1] = lines[-1][:end_column]
    lines[0] = lines[0][column:]
    return b"".join(lines).decode(errors="replace")


def _bytes(step: Step, line: int) -> bytes:
    return linecache.getline(step.code.co_filename, line, step.names).encode()


def _resolved(called: str, names: dict[str, Any]) -> str:
    """The full name, where the first part is a name of the module."""
    first, dot, rest = called.partition(".")
    found = names.get(first) or getattr(names.get("__builtins__"), first, None)
    if isinstance(found, ModuleType):
        return f"{found.__name__}{dot}{rest}"
    module, name = getattr(found, "__module__", None), getattr(found, "__qualname__", None)
    return f"{module}.{name}{dot}{rest}".removeprefix("builtins.") if module and name else ""

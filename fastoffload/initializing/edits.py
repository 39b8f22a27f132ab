"""Lines put into files of the user's, at positions from the syntax tree: nothing is reformatted."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fastoffload.errors import FastoffloadError


@dataclass(frozen=True, slots=True)
class Insertion:
    """Text before a line of a file; lines count from 0."""

    line: int
    text: str


def parse(file: Path, source: bytes) -> ast.Module:
    """The syntax tree. Raises FastoffloadError, with the line, for what Python cannot read."""
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise FastoffloadError(f"{file}{line}: {error.args[0]}; mend it first") from error


def apply(source: bytes, insertions: list[Insertion]) -> bytes:
    """The source with the insertions, each line ended as the file ends its own."""
    lines = source.splitlines(keepends=True)
    newline = b"\r\n" if lines and lines[0].endswith(b"\r\n") else b"\n"
    if lines and not lines[-1].endswith((b"\n", b"\r")):
        lines[-1] += newline
    for one in sorted(insertions, key=lambda one: one.line, reverse=True):
        lines.insert(one.line, one.text.encode().replace(b"\n", newline))
    return b"".join(lines)


def imports(tree: ast.Module, lines: list[str], before: int) -> Insertion:
    """Puts import lines after the last import at the top of the module before a line."""
    heads = [*_head(tree)]
    known = [node for node in heads if node.lineno <= before]
    after = max((_end(node) for node in known), default=0)
    return Insertion(after, "".join(f"{line}\n" for line in lines))


def last_line(tree: ast.Module, name: str, line: str) -> Insertion:
    """Puts a line after the last statement that adds to the object of that name."""
    body = _until_rebound(tree.body, name)
    last = max(position for position, node in enumerate(body) if _mentions(node, name))
    node = body[last]
    apart = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    return Insertion(_end(node), f"\n\n{line}\n" if apart else f"{line}\n")


def before_return(tree: ast.Module, factory: str, template: str) -> Insertion | None:
    """Puts a line before the only return of a factory; None where that cannot be told.

    `{app}` in the template is the name of what it returns.
    """
    (function,) = (
        node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == factory
    )
    returns = [node for node in _own(function) if isinstance(node, ast.Return)]
    if len(returns) != 1 or returns[0] is not function.body[-1]:
        return None
    value = returns[0].value
    if not isinstance(value, ast.Name):
        return None
    line = template.format(app=value.id)
    return Insertion(returns[0].lineno - 1, f"{' ' * returns[0].col_offset}{line}\n")


def keyword(source: bytes, tree: ast.Module, callee: str, text: str) -> bytes | None:
    """The source with a keyword argument first in every call of that name; None where it cannot be.

    That is where a call has the keyword already, or arguments without one.
    """
    name = text.partition("=")[0]
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == callee
    ]
    has_it = any(one.arg in {name, None} for call in calls for one in call.keywords)
    if not calls or has_it or any(call.args for call in calls):
        return None
    lines = source.splitlines(keepends=True)
    for call in sorted(calls, key=lambda call: call.lineno, reverse=True):
        _open(lines, call, text)
    return b"".join(lines)


def _open(lines: list[bytes], call: ast.Call, text: str) -> None:
    row = (call.func.end_lineno or call.lineno) - 1
    place = lines[row].index(b"(", call.func.end_col_offset or 0) + 1
    before, after = lines[row][:place], lines[row][place:]
    if after.strip():
        lines[row] = before + text.encode() + (b", " if call.keywords else b"") + after
        return
    following = lines[row + 1]
    indent = following[: len(following) - len(following.lstrip())]
    lines.insert(row + 1, indent + text.encode() + b"," + after)


def _head(tree: ast.Module) -> Iterator[ast.stmt]:
    yield from (node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom))
    if ast.get_docstring(tree, clean=False) is not None:
        yield tree.body[0]


def _end(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno


def _until_rebound(body: list[ast.stmt], name: str) -> list[ast.stmt]:
    """The statements up to where the name becomes something else: what wraps the application."""
    bound = [position for position, node in enumerate(body) if _binds(node, name)]
    return body[: bound[1]] if len(bound) > 1 else body


def _binds(node: ast.stmt, name: str) -> bool:
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AnnAssign):
        targets = [node.target]
    return any(isinstance(one, ast.Name) and one.id == name for one in targets)


def _mentions(node: ast.stmt, name: str) -> bool:
    if isinstance(node, ast.If) and "__name__" in ast.unparse(node.test):
        return False
    return any(isinstance(one, ast.Name) and one.id == name for one in ast.walk(node))


def _own(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """The nodes of a function, without those of functions inside it."""
    waiting: list[ast.AST] = [*function.body]
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            waiting += ast.iter_child_nodes(node)

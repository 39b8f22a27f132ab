"""Which branches of a function can be taken, as far as arguments and types tell."""

import ast
from collections.abc import Iterator
from functools import cache

from fastoffload.doctor.reading.resolving.arguments import Arguments
from fastoffload.doctor.reading.resolving.bindings import FIELDS, Inner, children, head, within
from fastoffload.doctor.reading.resolving.closures import free, hanging
from fastoffload.doctor.reading.resolving.values import (
    Class,
    External,
    Instance,
    Known,
    Scope,
    Value,
)

ENDS = (ast.Return, ast.Raise, ast.Continue, ast.Break)


class Branches(Arguments):
    """Reads the tests of branches."""

    def live(self, scope: Scope) -> tuple[ast.AST, ...]:
        """Every node of a function's own body that can be reached; see `bindings.within`."""
        if isinstance(scope.node, ast.Lambda):
            return within(scope.node)
        known = _switched(scope)
        told = tuple(
            self.truth(branch.test, scope) if _may_be_told(branch.test, known) else None
            for branch in _branches(scope.node)
        )
        is_told = any(each is not None for each in told)
        return _live(scope.node, told) if is_told else within(scope.node)

    def truth(self, test: ast.expr, scope: Scope) -> bool | None:
        """Whether a test holds; None if the code does not tell."""
        match test:
            case ast.Name(id="TYPE_CHECKING"):
                return False
            case ast.Constant(value=value):
                return bool(value)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                told = self.truth(operand, scope)
                return None if told is None else not told
            case ast.BoolOp(op=op, values=values):
                return _together(op, [self.truth(value, scope) for value in values])
            case ast.Name():
                known = self._known(test, scope)
                return bool(known.value) if known else None
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return self._compared(left, op, right, scope)
            case ast.Call(func=ast.Name(id="isinstance"), args=[subject, wanted]):
                return False if self._surely_not(subject, wanted, scope) else None
        return None

    def _known(self, node: ast.expr, scope: Scope) -> Known | None:
        if isinstance(node, ast.Constant) and isinstance(node.value, str | int | None):
            return Known(node.value)
        values = self.evaluate(node, scope) if isinstance(node, ast.Name) else ()
        return values[0] if len(values) == 1 and isinstance(values[0], Known) else None

    def _compared(
        self, left: ast.expr, op: ast.cmpop, right: ast.expr, scope: Scope
    ) -> bool | None:
        one = self._known(left, scope)
        if isinstance(right, ast.Tuple | ast.List | ast.Set):
            others = [self._known(each, scope) for each in right.elts]
        else:
            others = [self._known(right, scope)]
        if one is None or None in others:
            return None
        match op:
            case ast.Eq() | ast.Is() | ast.In():
                return one in others
            case ast.NotEq() | ast.IsNot() | ast.NotIn():
                return one not in others
        return None

    def _surely_not(self, subject: ast.expr, wanted: ast.expr, scope: Scope) -> bool:
        known = self.evaluate(subject, scope)
        classes = wanted.elts if isinstance(wanted, ast.Tuple) else [wanted]
        asked = [value for each in classes for value in self.evaluate(each, scope)]
        may_be = any(self._may_be(value, cls) for value in known for cls in asked)
        return bool(known and asked) and not may_be

    def _may_be(self, value: Value, cls: Value) -> bool:
        match value, cls:
            case Instance(of=of), Class():
                return cls in self.bases(of) or of in self.bases(cls)
            case Instance(of=of), External():
                return any(isinstance(base, External) for base in self.bases(of))
            case External(), Class():
                return any(isinstance(base, External) for base in self.bases(cls))
        return True


Truths = dict[ast.AST, bool | None]


@cache
def _branches(node: ast.AST) -> tuple[ast.If, ...]:
    return tuple(each for each in within(node) if isinstance(each, ast.If))


@cache  # a function is read for many callers, whose arguments mostly decide the same
def _live(node: ast.AST, told: tuple[bool | None, ...]) -> tuple[ast.AST, ...]:
    truths: Truths = dict(zip(_branches(node), told, strict=True))
    waiting = [*_reached(getattr(node, "body", []), truths)][::-1]
    found = []
    while waiting:
        each = waiting.pop()
        found.append(each)
        if FIELDS[type(each)]:
            waiting += _below(each, truths)[::-1]
    return tuple(found)


def _below(node: ast.AST, truths: Truths) -> list[ast.AST]:
    if isinstance(node, Inner):
        return head(node)
    if isinstance(node, ast.If):
        return [node.test, *_taken(node, truths)]
    gone = _gone(node, truths)
    below = children(node)
    return [each for each in below if each not in gone] if gone else below


def _gone(node: ast.AST, truths: Truths) -> list[ast.stmt]:
    """The statements right below that stand behind one that surely leaves."""
    bodies = (getattr(node, name, None) for name in ("body", "orelse", "finalbody"))
    lists = (body for body in bodies if isinstance(body, list))
    return [each for body in lists for each in body[len([*_reached(body, truths)]) :]]


def _reached(body: list[ast.stmt], truths: Truths) -> Iterator[ast.AST]:
    """The statements up to one that surely leaves."""
    for statement in body:
        yield statement
        if isinstance(statement, ast.If) and truths[statement] is not None:
            taken = _taken(statement, truths)
            if taken and isinstance(taken[-1], ENDS):
                return


def _taken(node: ast.If, truths: Truths) -> list[ast.AST]:
    match truths[node]:
        case True:
            return [*_reached(node.body, truths)]
        case False:
            return [*_reached(node.orelse, truths)]
    return [*_reached(node.body, truths), *_reached(node.orelse, truths)]


def _switched(scope: Scope | None) -> frozenset[str]:
    """The names that may be a constant which a call passes on."""
    if scope is None:
        return frozenset()
    is_told = any(isinstance(value, Known) for _, values in scope.given for value in values)
    return hanging(scope) if is_told else _switched(scope.outer)


@cache
def _may_be_told(test: ast.expr, known: frozenset[str]) -> bool:
    """Whether the test could be told at all: most tests of most functions never are."""
    match test:
        case ast.Name(id=name):
            return name in known or name == "TYPE_CHECKING"
        case ast.UnaryOp(operand=operand):
            return _may_be_told(operand, known)
        case ast.BoolOp(values=values):
            return any(_may_be_told(value, known) for value in values)
        case ast.Compare():
            return not known.isdisjoint(free(test))
        case ast.Call(func=ast.Name(id="isinstance")) | ast.Constant():
            return True
    return False


def _together(op: ast.boolop, told: list[bool | None]) -> bool | None:
    decides = isinstance(op, ast.Or)  # one that holds decides `or`, one that does not `and`
    if decides in told:
        return decides
    return None if None in told else not decides

"""Numbers and texts that stand in the code: sizes of loops, prefixes of routers."""

import ast

from fastoffload.doctor.reading.resolving.expressions import Resolver
from fastoffload.doctor.reading.resolving.values import Class, Instance, Scope

Constant = str | int | float | None
# Beyond it a power is no size of a loop.
MOST_DIGITS = 20
DEEPEST = 6


def constant(node: ast.AST | None, scope: Scope, resolver: Resolver, depth: int = 0) -> Constant:
    """What the expression surely is; None if the code alone does not say."""
    if depth > DEEPEST:
        return None
    match node:
        case ast.Constant(value=str() | int() | float() as value):
            return value
        case ast.Name(id=name):
            found = resolver.binding(name, scope)
            return constant(found[0].node, found[1], resolver, depth + 1) if found else None
        case ast.Attribute(value=value, attr=name):
            return _field(value, name, scope, resolver, depth)
        case ast.JoinedStr(values=parts):
            return "".join(str(constant(part, scope, resolver, depth + 1) or "") for part in parts)
        case ast.FormattedValue(value=value) | ast.Call(func=ast.Name(id="int"), args=[value]):
            return constant(value, scope, resolver, depth + 1)
        case ast.BinOp(left=left, op=op, right=right):
            one, other = (constant(side, scope, resolver, depth + 1) for side in (left, right))
            return _calculated(one, op, other)
    return None


def number(node: ast.AST | None, scope: Scope, resolver: Resolver) -> float:
    """The number that the expression surely is; 0 if the code alone does not say."""
    value = constant(node, scope, resolver)
    return float(value) if isinstance(value, int | float) else 0.0


def _field(of: ast.expr, name: str, scope: Scope, resolver: Resolver, depth: int) -> Constant:
    """The default of a class's field: `settings.API_PREFIX`."""
    for value in resolver.evaluate(of, scope):
        if isinstance(value, Class | Instance):
            cls = value.of if isinstance(value, Instance) else value
            for base in resolver.bases(cls):
                if isinstance(base, Class):
                    inside = resolver.inside(base, value)
                    for binding in resolver.bindings(inside).names.get(name, []):
                        return constant(binding.node, inside, resolver, depth + 1)
    return None


def _calculated(one: Constant, op: ast.operator, other: Constant) -> Constant:
    match one, op, other:
        case str(), ast.Add(), str():
            return one + other
        case ((int() | float()), ast.Mult(), (int() | float())):
            return one * other
        case ((int() | float()), ast.Add(), (int() | float())):
            return one + other
        case ((int() | float()), ast.Pow(), int()) if 0 < other <= MOST_DIGITS:
            return float(one) ** other
    return None

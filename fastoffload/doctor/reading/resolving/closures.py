"""What a nested function knows of the functions around it."""

import ast
from functools import cache

from fastoffload.doctor.reading.resolving.bindings import Function as FunctionNode
from fastoffload.doctor.reading.resolving.bindings import bindings_of
from fastoffload.doctor.reading.resolving.values import Scope, scope_of


def needed(node: ast.AST | None, scope: Scope) -> Scope:
    """The scope of a nested function, with no more given than it can name.

    A decorator's helpers are else read anew for each function that is decorated.
    """
    if node is None or not _is_given(scope):
        return scope
    return _given_only(_free(node), scope)


def _is_given(scope: Scope | None) -> bool:
    return scope is not None and (bool(scope.given) or _is_given(scope.outer))


def _given_only(names: frozenset[str], scope: Scope) -> Scope:
    """The scope as those see it that know of it by these names alone."""
    named = _named_by(names, scope.node)
    given = tuple(pair for pair in scope.given if pair[0] in named)
    outer = scope.outer and _given_only(named, scope.outer)
    return scope_of(scope.module, scope.node, outer, scope.receiver, given)


@cache
def _named_by(names: frozenset[str], around: ast.AST) -> frozenset[str]:
    """The names, and those in what they are bound to in the function around."""
    bindings = bindings_of(around).names
    named = set(names)
    waiting = [*names]
    while waiting:
        for binding in bindings.get(waiting.pop(), []):
            new = _free(binding.node) - named if binding.node else frozenset[str]()
            named |= new
            waiting += new
    return frozenset(named)


@cache
def _free(node: ast.AST) -> frozenset[str]:
    """The names in it that it does not bind itself."""
    if not isinstance(node, FunctionNode | ast.Lambda):
        inner = (_free(each) for each in ast.iter_child_nodes(node))
        return frozenset({node.id} if isinstance(node, ast.Name) else ()).union(*inner)
    own = parameters(node) | set(bindings_of(node).names)
    body = node.body if isinstance(node.body, list) else [node.body]
    rest = [each for each in ast.iter_child_nodes(node) if each not in body]
    inside = frozenset[str]().union(*map(_free, body)) - own
    return inside.union(*map(_free, rest))


def parameters(node: ast.AST) -> set[str]:
    arguments = getattr(node, "args", None)
    if not isinstance(arguments, ast.arguments):
        return set()
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return {argument.arg for argument in every}

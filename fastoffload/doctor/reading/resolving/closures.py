"""What a nested function knows of the functions around it."""

import ast
from collections.abc import Iterable
from functools import cache

from fastoffload.doctor.reading.resolving.bindings import Function as FunctionNode
from fastoffload.doctor.reading.resolving.bindings import bindings_of, children
from fastoffload.doctor.reading.resolving.values import Scope


def needed(node: ast.AST | None, scope: Scope) -> Scope:
    """The scope of a nested function, with no more given than it can name.

    A decorator's helpers are else read anew for each function that is decorated.
    """
    if node is None or not _is_given(scope):
        return scope
    return _given_only(free(node), scope)


@cache
def hanging(scope: Scope) -> frozenset[str]:
    """The names whose meaning in the scope may hang on what is given there or around it."""
    outer = hanging(scope.outer) if scope.outer else frozenset[str]()
    names = outer.union(name for name, _ in scope.given)
    # What `super()` is of hangs on a class that may have been made in a function around.
    return _hanging(names | {"super"}, scope.node) if names else names


@cache
def _hanging(names: frozenset[str], node: ast.AST) -> frozenset[str]:
    """The names, and those that the function binds to something with one of them in it."""
    found = set(names)
    ways = _ways(node)
    while more := {n for n, free in ways.items() if n not in found and free & found}:
        found |= more
    return frozenset(found)


def _ways(node: ast.AST) -> dict[str, frozenset[str]]:
    """Of each name that the function binds, the names in what it is bound to."""
    ways = {
        name: _free_in(part for each in own for part in (each.node, each.annotation))
        for name, own in bindings_of(node).names.items()
    }
    for argument, default in defaults(node):
        own = ways.get(argument.arg, frozenset())
        ways[argument.arg] = own | _free_in([argument.annotation, default])
    return ways


def _free_in(nodes: Iterable[ast.AST | None]) -> frozenset[str]:
    return frozenset[str]().union(*(free(node) for node in nodes if node))


@cache
def ungiven(scope: Scope) -> Scope:
    """The scope without anything that is given."""
    outer = scope.outer and ungiven(scope.outer)
    return Scope(scope.module, scope.node, outer, scope.receiver)


def relevant(node: ast.AST, scope: Scope) -> Scope:
    """The scope; the one without what is given, if that cannot matter for the node.

    So it is read once, whatever else the function is called with.
    """
    names = hanging(scope)
    return ungiven(scope) if names and names.isdisjoint(free(node)) else scope


def _is_given(scope: Scope | None) -> bool:
    return scope is not None and (bool(scope.given) or _is_given(scope.outer))


def _given_only(names: frozenset[str], scope: Scope) -> Scope:
    """The scope as those see it that know of it by these names alone."""
    named = _named_by(names, scope.node)
    given = tuple(pair for pair in scope.given if pair[0] in named)
    outer = scope.outer and _given_only(named, scope.outer)
    return Scope(scope.module, scope.node, outer, scope.receiver, given)


@cache
def _named_by(names: frozenset[str], around: ast.AST) -> frozenset[str]:
    """The names, and those in what they are bound to in the function around."""
    bindings = bindings_of(around).names
    named = set(names)
    waiting = [*names]
    while waiting:
        for binding in bindings.get(waiting.pop(), []):
            new = free(binding.node) - named if binding.node else frozenset[str]()
            named |= new
            waiting += new
    return frozenset(named)


@cache
def free(node: ast.AST) -> frozenset[str]:
    """The names in it that it does not bind itself."""
    if not isinstance(node, FunctionNode | ast.Lambda):
        inner = map(free, children(node))
        return frozenset({node.id} if isinstance(node, ast.Name) else ()).union(*inner)
    body = node.body if isinstance(node.body, list) else [node.body]
    rest = [each for each in children(node) if each not in body]
    return (_free_in(body) - names_of(node)) | _free_in(rest)


@cache
def parameters(node: ast.AST) -> frozenset[str]:
    """The names of its parameters that hold one argument."""
    return frozenset(argument.arg for argument, _ in defaults(node))


@cache
def names_of(node: ast.AST) -> frozenset[str]:
    """The names that a class or a function binds itself."""
    return parameters(node) | bindings_of(node).names.keys()


@cache
def defaults(node: ast.AST) -> list[tuple[ast.arg, ast.expr | None]]:
    """The parameters that hold one argument, each with its default."""
    arguments = getattr(node, "args", None)
    if not isinstance(arguments, ast.arguments):
        return []
    positional = [*arguments.posonlyargs, *arguments.args]
    without = [None] * (len(positional) - len(arguments.defaults))
    pairs = [*zip(positional, [*without, *arguments.defaults], strict=True)]
    return [*pairs, *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]

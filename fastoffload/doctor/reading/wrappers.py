"""What decorators make of a function."""

from functools import cache

from fastoffload.doctor.reading.resolving.expressions import Resolver
from fastoffload.doctor.reading.resolving.values import Function, decorators

CACHED = {"lru_cache", "cache", "cached_property"}


def wrapped(function: Function, resolver: Resolver) -> list[Function]:
    """What the project's own decorators put around a function."""
    return resolver.memory.note(_wrapped, function, resolver)


def _wrapped(function: Function, resolver: Resolver) -> list[Function]:
    found: list[Function] = []
    for decorator in getattr(function.node, "decorator_list", []):
        for value in resolver.evaluate(decorator, function.scope):
            if isinstance(value, Function):
                found += [v for v in resolver.around(value, function) if isinstance(v, Function)]
    return [_bound(each, function) for each in found if each.node is not function.node]


def _bound(wrapper: Function, function: Function) -> Function:
    """A wrapper of a method gets the object as well."""
    first = wrapper.node.args.args[:1]
    if wrapper.receiver is None and first and first[0].arg in ("self", "cls"):
        return Function(wrapper.node, wrapper.scope, function.receiver, wrapper.given)
    return wrapper


@cache
def is_once(function: Function) -> bool:
    """Whether it runs in its first call only: cached, and without parameters."""
    if CACHED.isdisjoint(decorators(function.node)):
        return False
    arguments = function.node.args
    own = [a.arg for a in [*arguments.posonlyargs, *arguments.args] if a.arg not in ("self", "cls")]
    return not own

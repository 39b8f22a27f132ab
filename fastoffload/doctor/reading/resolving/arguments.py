"""What a function's parameters may be, by annotation, by default and by the call."""

import ast
from functools import cache

from fastoffload.doctor.blocking import Catalog
from fastoffload.doctor.reading.resolving.bindings import bindings_of, within
from fastoffload.doctor.reading.resolving.closures import defaults, relevant
from fastoffload.doctor.reading.resolving.subclasses import Subclasses
from fastoffload.doctor.reading.resolving.values import (
    Class,
    External,
    Function,
    Given,
    Instance,
    Known,
    Scope,
    Value,
    Values,
)
from fastoffload.doctor.reading.sources import Project

# Of what an argument may be, as many alternatives are told to the function.
MOST_GIVEN = 2
# A function is read again for so many different arguments; then once for all others.
MOST_VARIANTS = 6


class Arguments(Subclasses):
    """Reads parameters and arguments."""

    def __init__(self, project: Project, catalog: Catalog) -> None:
        super().__init__(project, catalog)
        self._variants: dict[tuple[ast.AST, Instance | Class | None], set[Given]] = {}

    def calling(self, function: Function, node: ast.Call, scope: Scope) -> Function:
        """The function with what the call tells beyond annotations: objects, and switches."""
        return self.memory.note(self._calling, function, node, relevant(node, scope))

    def _calling(self, function: Function, node: ast.Call, scope: Scope) -> Function:
        own = _named(function)
        pairs = {p.arg: value for p, value in zip(own, node.args, strict=False)}
        pairs |= {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
        told: dict[str, Values] = {}
        for parameter, default in defaults(function.node):
            value = pairs.get(parameter.arg)
            if parameter.arg in switches(function.node):
                told[parameter.arg] = self._switch(value, default, node, scope)
            if value is not None and not told.get(parameter.arg):
                told[parameter.arg] = self._told(parameter, value, scope, function)
        return self._variant(function, tuple(sorted(pair for pair in told.items() if pair[1])))

    def constructed(self, of: Class, node: ast.Call, scope: Scope) -> Instance:
        """The object that a call of the class makes, with what its constructor gets."""
        method = self.method(of, "__init__")
        if method is None or not (node.args or node.keywords):
            return Instance(of)
        given = self.calling(method, node, scope).given
        return Instance(of, tuple(pair for pair in given if not isinstance(pair[1][0], Known)))

    def _switch(
        self, value: ast.expr | None, default: ast.expr | None, node: ast.Call, scope: Scope
    ) -> Values:
        """A constant that decides which branch is taken."""
        if value is None and _passes_on(node):
            return ()
        given = default if value is None else value
        if isinstance(given, ast.Constant):
            return (Known(given.value),) if isinstance(given.value, str | int | None) else ()
        found = self.evaluate(value, scope)
        return found if found and all(isinstance(each, Known) for each in found) else ()

    def _variant(self, function: Function, given: Given) -> Function:
        """The function with arguments, as long as it is not called with too many different ones."""
        known = self._variants.setdefault((function.node, function.receiver), set())
        if given in known or len(known) < MOST_VARIANTS:
            known.add(given)
            return Function(function.node, function.scope, function.receiver, given)
        return Function(function.node, function.scope, function.receiver)

    def _told(
        self, parameter: ast.arg, value: ast.expr, scope: Scope, function: Function
    ) -> Values:
        """What an argument tells beyond the parameter's annotation."""
        telling = (External, Function, Class, Instance)
        found = [each for each in self.evaluate(value, scope) if isinstance(each, telling)]
        stated = self.annotated(parameter.annotation, function.scope) if found else ()
        if stated:
            found = [each for each in found if _says_more(each, stated)]
        return tuple(found[:MOST_GIVEN])

    def parameter(self, name: str, scope: Scope) -> Values:
        """What a parameter of the scope's function may be."""
        arguments: ast.arguments = scope.node.args  # type: ignore[attr-defined]
        positional = [*arguments.posonlyargs, *arguments.args]
        if positional and positional[0].arg == name and scope.receiver is not None:
            return (scope.receiver,)
        for argument, default in defaults(scope.node):
            if argument.arg == name:
                outer = scope.outer or scope
                stated = self.annotated(argument.annotation, outer)
                if stated and not _is_dependency(default):
                    return stated
                given = self._default(argument, default, scope)
                says_more = any(_says_more(each, stated) for each in given)
                return given if says_more or not stated else stated
        return ()

    def _default(self, argument: ast.arg, default: ast.expr | None, scope: Scope) -> Values:
        outer = scope.outer or scope
        found = self.evaluate(default, outer)
        if not found and argument.annotation is not None:
            for call in ast.walk(argument.annotation):
                if isinstance(call, ast.Call):  # Annotated[…, Depends(…)]
                    found = found or self.evaluate(call, outer)
        return found


@cache
def switches(node: ast.AST) -> frozenset[str]:
    """The parameters that tests of a function's branches look at, and that it does not change."""
    names = {
        each.id
        for branch in within(node)
        if isinstance(branch, ast.If)
        for each in ast.walk(branch.test)
        if isinstance(each, ast.Name)
    }
    return frozenset(names - set(bindings_of(node).names))


def _says_more(given: Value, stated: Values) -> bool:
    """Whether it is another object of the same library than the annotation says.

    Many say Session and get an AsyncSession, or the session that an object came from.
    """
    heads = {each.path.partition(".")[0] for each in stated if isinstance(each, External)}
    is_of_it = isinstance(given, External) and given.path.partition(".")[0] in heads
    return is_of_it and given not in stated


def _is_dependency(default: ast.expr | None) -> bool:
    func = getattr(default, "func", None)
    return str(getattr(func, "attr", getattr(func, "id", ""))) in ("Depends", "Security")


def _passes_on(node: ast.Call) -> bool:
    """Whether more arguments stand in *arguments or **options."""
    has_options = any(keyword.arg is None for keyword in node.keywords)
    return has_options or any(isinstance(each, ast.Starred) for each in node.args)


def _named(function: Function) -> list[ast.arg]:
    """The parameters that positional arguments go to."""
    arguments = function.node.args
    parameters = [*arguments.posonlyargs, *arguments.args]
    return parameters[1:] if function.receiver is not None else parameters

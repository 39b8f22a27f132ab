"""What calling a function gives."""

import ast
from abc import abstractmethod

from fastoffload.doctor.reading.resolving.branches import Branches
from fastoffload.doctor.reading.resolving.values import (
    Function,
    Given,
    Instance,
    Items,
    Scope,
    Value,
    Values,
    is_generator,
)


class Calls(Branches):
    """Reads calls of the project's own functions."""

    @abstractmethod
    def evaluated(self, nodes: list[ast.expr], scope: Scope) -> Values:
        """What any of the expressions may be."""

    @abstractmethod
    def called(self, callee: Value, node: ast.Call, scope: Scope) -> Values:
        """What the call of a callee gives."""

    def around(self, decorator: Function, function: Function) -> Values:
        """What a decorator of the project makes of a function."""
        parameters = [*decorator.node.args.posonlyargs, *decorator.node.args.args]
        own = parameters[1:] if decorator.receiver is not None else parameters
        given: Given = ((own[0].arg, (function,)),) if own else ()
        return self.returned(Function(decorator.node, decorator.scope, decorator.receiver, given))

    def dependency(self, node: ast.expr | None, scope: Scope) -> Values:
        """What FastAPI puts in for `Depends(node)`: of a generator what it yields."""
        found: list[Value] = []
        for value in self.evaluate(node, scope):
            given = self.called(value, BARE, scope)
            if isinstance(value, Function) and is_generator(value.node):
                given = self.each(given, self.items)
            found += given
        return tuple(found)

    def returned(self, function: Function) -> Values:
        """What calling a function gives, once it is awaited."""
        return self.memory.ask(self._returned, function)

    def _returned(self, function: Function) -> Values:
        scope = function.body
        return self._stated(function, scope) or self._inferred(function, scope)

    def _stated(self, function: Function, scope: Scope) -> Values:
        return self.annotated(getattr(function.node, "returns", None), scope)

    def _inferred(self, function: Function, scope: Scope) -> Values:
        if isinstance(function.node, ast.Lambda):
            return self.evaluate(function.node.body, scope)
        nodes = self.live(scope)
        given = [node.value for node in nodes if isinstance(node, ast.Yield) and node.value]
        if given:
            return held(self.evaluated(given, scope))
        return self.evaluated(
            [n.value for n in nodes if isinstance(n, ast.Return) and n.value], scope
        )

    def entered(self, value: Value) -> Values:
        """What `with` gives for a value."""
        match value:
            case Items(of=values):  # of a generator under contextlib.contextmanager
                return values
            case Instance():
                method = self.method(value, "__enter__") or self.method(value, "__aenter__")
                return self.returned(method) or (value,) if method else (value,)
        return (value,)


# A call without arguments: how FastAPI's calls look from here.
BARE = ast.Call(ast.Name("depends"), [], [])


def held(values: Values) -> Values:
    return (Items(values),) if values else ()

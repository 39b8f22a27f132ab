"""Reads what functions do, each once."""

import ast

from fastoffload.doctor.reading.resolving.closures import hanging, ungiven
from fastoffload.doctor.reading.resolving.expressions import Resolver
from fastoffload.doctor.reading.resolving.values import Function, Scope
from fastoffload.doctor.reading.steps import Body, Steps
from fastoffload.doctor.reading.uses import Uses, runs, uses


class Walker:
    """Reads functions, each once."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._known: dict[Function, Steps] = {}
        self._parts: dict[tuple[tuple[ast.AST, ...], Scope], Steps] = {}
        self.functions: dict[ast.AST, Steps] = {}
        """Each function as it was read first."""

    @property
    def calls(self) -> int:
        """How many calls stand in all functions that were read."""
        return sum(steps.total_calls for steps in self.functions.values())

    @property
    def unknown_calls(self) -> int:
        """Of those, the ones whose target the code does not tell."""
        return sum(steps.unknown_calls for steps in self.functions.values())

    def steps(self, function: Function) -> Steps:
        """What the function does."""
        if function not in self._known:
            self._known[function] = Steps()
            self._known[function] = self._read(function.body)
            self.functions.setdefault(function.node, self._known[function])
        return self._known[function]

    def _read(self, scope: Scope) -> Steps:
        """What a body does; what does not hang on the arguments is read once for all of them."""
        used = uses(self._resolver.live(scope))
        parts = [
            self._shared(used, nodes, ungiven(scope))
            if is_shared
            else Body(self._resolver, scope, used, nodes).steps()
            for nodes, is_shared in runs(used, hanging(scope))
        ]
        return _joined(parts)

    def _shared(self, used: Uses, nodes: tuple[ast.AST, ...], scope: Scope) -> Steps:
        key = (nodes, scope)
        if key not in self._parts:
            self._parts[key] = Body(self._resolver, scope, used, nodes).steps()
        return self._parts[key]


def _joined(parts: list[Steps]) -> Steps:
    every = Steps()
    for part in parts:
        every.blocks += part.blocks
        every.calls += part.calls
        every.spawned += part.spawned
        every.total_calls += part.total_calls
        every.unknown_calls += part.unknown_calls
    every.blocks.sort(key=lambda block: block.line)
    every.calls = list(dict.fromkeys(every.calls))
    return every

"""Follows names to what they are bound to, through imports and re-exports."""

import ast
import builtins
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cache

from fastoffload.doctor.blocking import Catalog
from fastoffload.doctor.reading.resolving.bindings import Binding, Bindings, bindings_of
from fastoffload.doctor.reading.resolving.closures import (
    hanging,
    names_of,
    needed,
    parameters,
    ungiven,
)
from fastoffload.doctor.reading.resolving.memory import Memory
from fastoffload.doctor.reading.resolving.values import (
    Class,
    External,
    Function,
    Items,
    Package,
    Parts,
    Scope,
    Value,
    Values,
)
from fastoffload.doctor.reading.sources import Module, Project

# More alternatives than these say nothing, and cost time.
MOST_VALUES = 8


class Names(ABC):
    """Looks names up; what expressions are is left to the layers above."""

    def __init__(self, project: Project, catalog: Catalog) -> None:
        self.project = project
        self.catalog = catalog
        self.memory = Memory()

    @abstractmethod
    def evaluate(self, node: ast.AST | None, scope: Scope) -> Values:
        """What the expression may be, read in the scope; nothing if that is unknown."""

    @abstractmethod
    def annotated(self, node: ast.expr | None, scope: Scope) -> Values:
        """What something of that annotation may be; nothing if that is unknown."""

    @abstractmethod
    def parameter(self, name: str, scope: Scope) -> Values:
        """What a parameter of the scope's function may be."""

    @abstractmethod
    def entered(self, value: Value) -> Values:
        """What `with` gives for a value."""

    def external(self, path: str) -> External:
        """Something of a library under its one canonical path."""
        return External(self.catalog.canonical(path))

    def name(self, name: str, scope: Scope) -> Values:
        """What a name in a scope may be."""
        return self.memory.ask(self._name, name, home(name, scope))

    def binding(self, name: str, scope: Scope | None) -> tuple[Binding, Scope] | None:
        """The one binding of a name, and where it stands, through imports."""
        if scope is None:
            return None
        found = self.bindings(scope).names.get(name)
        if not found:
            return self.binding(name, scope.outer)
        binding = found[-1]
        if binding.how != "import" or binding.name is None:
            return binding, scope
        target = self.project.find(_absolute(binding.source, scope.module), scope.module)
        if target is None or target is scope.module:
            return None
        return self._exported(binding.name, target)

    def _exported(self, name: str, module: Module) -> tuple[Binding, Scope] | None:
        found = self.binding(name, Scope(module, module.tree))
        if found is None:
            for source in module.bindings.stars:
                target = self.project.find(_absolute(source, module), module)
                if target is not None and target is not module:
                    found = found or self.binding(name, Scope(target, target.tree))
        return found

    def bindings(self, scope: Scope) -> Bindings:
        """What the scope's own body binds."""
        if isinstance(scope.node, ast.Module):
            return scope.module.bindings
        return bindings_of(scope.node)

    def in_module(self, name: str, module: Module) -> Values:
        """What `module.name` may be, its submodules included."""
        return self.name(name, Scope(module, module.tree)) or self._submodule(name, module)

    def bound(self, binding: Binding, scope: Scope) -> Values:
        """What one binding gives."""
        match binding.how:
            case "import":
                return self._imported(binding, scope.module)
            case "def":
                return (Function(binding.node, needed(binding.node, scope)),)  # type: ignore[arg-type]
            case "class":
                return (Class(binding.node, scope),)  # type: ignore[arg-type]
            case "typed":
                return self.annotated(binding.annotation, scope) or self.evaluate(
                    binding.node, scope
                )
        values = self.evaluate(binding.node, scope)
        match binding.how:
            case "item":
                return self.each(values, self.items)
            case "entered":
                return self.each(values, self.entered)
            case "part":
                return self.each(values, lambda value: self._part(value, binding.index))
        return values

    def each(self, values: Values, change: Callable[[Value], Values]) -> Values:
        """All that a change makes of values, without doubles."""
        found = dict.fromkeys(made for value in values for made in change(value))
        return tuple(found)[:MOST_VALUES]

    def items(self, value: Value) -> Values:
        """What iteration or a subscript gives."""
        match value:
            case Items(of=values):
                return values
            case Parts(of=parts):
                return tuple(dict.fromkeys(value for part in parts for value in part))
            case External(path=path):
                return (self.external(f"{path}[]"),)
        return ()

    def _part(self, value: Value, index: int) -> Values:
        match value:
            case Parts(of=parts):
                return parts[index] if index < len(parts) else ()
        return self.items(value)

    def _name(self, name: str, scope: Scope) -> Values:
        for known, values in scope.given:
            if known == name and values:
                return values
        found = self._own(name, scope)
        if found is not None:
            return found
        return self._starred(name, scope.module) or _builtin(name)

    def _own(self, name: str, scope: Scope) -> Values | None:
        """What the scope itself says of a name; None if it says nothing."""
        bindings = self.bindings(scope).names.get(name, [])
        own = parameters(scope.node)
        if not bindings and name not in own:
            return None
        values: list[Value] = []
        if name in own:
            values += self.parameter(name, scope)
        for binding in bindings:
            values += self.bound(binding, scope)
        return tuple(dict.fromkeys(values))[:MOST_VALUES]

    def _starred(self, name: str, module: Module) -> Values:
        for source in module.bindings.stars:
            target = self.project.find(_absolute(source, module), module)
            if (
                target is not None
                and target is not module
                and (values := self.in_module(name, target))
            ):
                return values
        return ()

    def _submodule(self, name: str, module: Module) -> Values:
        if module.is_package:
            for own in module.names:
                found = self._package(f"{own}.{name}", module)
                if found:
                    return found
        return ()

    def _imported(self, binding: Binding, module: Module) -> Values:
        source = _absolute(binding.source, module)
        if binding.name is None:
            return self._package(source, module) or (self.external(source),)
        target = self.project.find(source, module)
        if target is not None:
            own = self.in_module(binding.name, target) if target is not module else ()
            return own or self._package(f"{source}.{binding.name}", module)
        if self.project.is_folder(source):
            return self._package(f"{source}.{binding.name}", module)
        return (self.external(f"{source}.{binding.name}"),)

    def _package(self, name: str, user: Module) -> Values:
        module = self.project.find(name, user)
        if module is not None or self.project.is_folder(name):
            return (Package(name, module),)
        return ()


@cache
def home(name: str, scope: Scope) -> Scope:
    """The scope that a name is bound in, without what cannot matter for it; or the module."""
    while scope.outer is not None and name not in names_of(scope.node):
        scope = scope.outer
        while scope.outer is not None and isinstance(scope.node, ast.ClassDef):
            scope = scope.outer  # a method does not see names of its class
    return scope if name in hanging(scope) else ungiven(scope)


def _builtin(name: str) -> Values:
    return (External(name),) if hasattr(builtins, name) else ()


def _absolute(source: str, module: Module) -> str:
    """The full name of what an import names; relative ones start from the module's own name."""
    level = len(source) - len(source.lstrip("."))
    if not level:
        return source
    own = max(module.names, key=len, default="")
    parts = own.split(".")
    kept = parts[: len(parts) - level + module.is_package]
    return ".".join([*kept, *filter(None, [source[level:]])])

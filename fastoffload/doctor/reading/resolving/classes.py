"""Classes of the project: bases, members, attributes that methods set."""

import ast
from abc import abstractmethod
from collections.abc import Iterator
from typing import TypeGuard

from fastoffload.doctor.blocking import Catalog
from fastoffload.doctor.reading.resolving.annotations import Annotations
from fastoffload.doctor.reading.resolving.bindings import Function as FunctionNode
from fastoffload.doctor.reading.resolving.bindings import within
from fastoffload.doctor.reading.resolving.names import MOST_VALUES
from fastoffload.doctor.reading.resolving.values import (
    Class,
    External,
    Function,
    Given,
    Instance,
    Scope,
    Value,
    Values,
    decorators,
    is_static,
)
from fastoffload.doctor.reading.sources import Project

# Bases that add nothing which could block.
NOTHING_OWN = ("typing", "abc.", "enum.", "object", "pydantic.", "collections.abc.")
PROPERTIES = {"property", "cached_property", "hybrid_property", "computed_field"}
Bases = tuple[Class | External, ...]
Assignments = dict[str, list[tuple[FunctionNode, ast.expr | None, ast.expr | None]]]


class Classes(Annotations):
    """Reads classes."""

    def __init__(self, project: Project, catalog: Catalog) -> None:
        super().__init__(project, catalog)
        self._assignments: dict[ast.ClassDef, Assignments] = {}

    @abstractmethod
    def returned(self, function: Function) -> Values:
        """What calling a function gives, once it is awaited."""

    def bases(self, of: Class) -> Bases:
        """The class and all it inherits from, nearest first."""
        return self.memory.ask(self._bases, of)

    def _bases(self, of: Class) -> Bases:
        above = [base for node in of.node.bases for base in self._base(node, of.scope)]
        every: list[Class | External] = [of]
        for base in above:
            every += self.bases(base) if isinstance(base, Class) else [base]
        return tuple(dict.fromkeys(every))

    def member(self, name: str, receiver: Class | Instance) -> Values:
        """What `receiver.name` may be."""
        return self.memory.note(self._member, name, receiver)

    def _member(self, name: str, receiver: Class | Instance) -> Values:
        of = receiver.of if isinstance(receiver, Instance) else receiver
        return self._first(self.bases(of), name, receiver)

    def above(self, of: Class, name: str, receiver: Class | Instance) -> Values:
        """What `super().name` may be in a method of the class."""
        return self._first(self.bases(of)[1:], name, receiver)

    def _first(self, bases: Bases, name: str, receiver: Class | Instance) -> Values:
        """The member of the first base that has it; what a library's class has comes last."""
        for base in bases:
            if isinstance(base, Class) and (found := self._own_member(base, name, receiver)):
                return found
        for base in bases:
            if isinstance(base, External) and not base.path.startswith(NOTHING_OWN):
                return (self.external(f"{base.path}().{name}"),)
        return ()

    def method(self, of: Class | Instance, name: str) -> Function | None:
        """The class's or a base's method, bound to an instance of the class."""
        return self.memory.note(self._method, of, name)

    def _method(self, of: Class | Instance, name: str) -> Function | None:
        receiver = of if isinstance(of, Instance) else Instance(of)
        for base in self.bases(receiver.of):
            if isinstance(base, Class):
                for value in self.name(name, Scope(base.scope.module, base.node, base.scope)):
                    if isinstance(value, Function) and value.node in base.node.body:
                        return Function(value.node, value.scope, receiver)
        return None

    def _base(self, node: ast.expr, scope: Scope) -> list[Class | External]:
        if isinstance(node, ast.Subscript):
            node = node.value
        values = self.evaluate(node, scope)
        return [value for value in values if isinstance(value, Class | External)][:2]

    def _own_member(self, base: Class, name: str, receiver: Class | Instance) -> Values:
        scope = self.inside(base, receiver)
        bindings = self.bindings(scope).names.get(name, [])
        values = [value for binding in bindings for value in self.bound(binding, scope)]
        bound = tuple(dict.fromkeys(_bound_to(value, receiver) for value in values))
        return self._read(bound) or self._assigned(base, name, receiver)

    def inside(self, of: Class, receiver: Class | Instance) -> Scope:
        """The body of a class, read for an object of it or of a subclass."""
        return Scope(of.scope.module, of.node, of.scope, receiver)

    def _read(self, values: Values) -> Values:
        """What reading an attribute gives: of a property what it returns."""
        return self.each(
            values, lambda value: self.returned(value) if is_property(value) else (value,)
        )

    def _assigned(self, base: Class, name: str, receiver: Class | Instance) -> Values:
        """What methods assign to `self.name`."""
        found: list[Value] = []
        for method, annotation, value in self._assignments_of(base.node).get(name, []):
            inside = self.inside(base, receiver)
            given = _given(method, receiver)
            scope = Scope(base.scope.module, method, inside, receiver, given)
            found += self.annotated(annotation, scope) or self.evaluate(value, scope)
        return tuple(dict.fromkeys(found))[:MOST_VALUES]

    def _assignments_of(self, node: ast.ClassDef) -> Assignments:
        if node not in self._assignments:
            found: Assignments = {}
            for method in node.body:
                if isinstance(method, FunctionNode):
                    for name, annotation, value in _assignments(method):
                        found.setdefault(name, []).append((method, annotation, value))
            self._assignments[node] = found
        return self._assignments[node]


def is_property(value: object) -> TypeGuard[Function]:
    """Whether reading the attribute runs a method."""
    return isinstance(value, Function) and not PROPERTIES.isdisjoint(decorators(value.node))


def _bound_to(value: Value, receiver: Class | Instance) -> Value:
    if not isinstance(value, Function) or is_static(value.node):
        return value
    if "classmethod" in decorators(value.node):
        of = receiver.of if isinstance(receiver, Instance) else receiver
        return Function(value.node, value.scope, of)
    if isinstance(receiver, Class) or value.receiver is not None:
        return value
    return Function(value.node, value.scope, receiver)


def _assignments(method: ast.AST) -> Iterator[tuple[str, ast.expr | None, ast.expr | None]]:
    """What a method assigns to attributes of its first parameter: name, annotation, value."""
    own = _first_parameter(method)
    for node in within(method):
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    if (name := _attribute(target, own)) is not None:
                        yield name, None, value
            case ast.AnnAssign(target=target, annotation=annotation, value=value):
                if (name := _attribute(target, own)) is not None:
                    yield name, annotation, value


def _given(method: FunctionNode, receiver: Class | Instance) -> Given:
    """What a constructor got, of the parameters that it has."""
    if method.name != "__init__" or not isinstance(receiver, Instance):
        return ()
    own = {each.arg for each in [*method.args.args, *method.args.kwonlyargs]}
    return tuple(pair for pair in receiver.given if pair[0] in own)


def _attribute(target: ast.expr, own: str) -> str | None:
    match target:
        case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name == own:
            return attribute
    return None


def _first_parameter(method: ast.AST) -> str:
    arguments = getattr(method, "args", None)
    named = [*arguments.posonlyargs, *arguments.args] if arguments else []
    return named[0].arg if named else ""

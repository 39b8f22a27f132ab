"""Classes of the project: bases, members, attributes that methods set, overriding subclasses."""

import ast
import re
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
    Instance,
    Scope,
    Value,
    Values,
    decorators,
    is_static,
    scope_of,
)
from fastoffload.doctor.reading.sources import Module, Project

# Bases that add nothing which could block.
NOTHING_OWN = ("typing", "abc.", "enum.", "object", "pydantic.", "collections.abc.")
PROPERTIES = {"property", "cached_property", "hybrid_property", "computed_field"}
# More overriding methods than these are an interface of the world, not a strategy.
MOST_OVERRIDES = 6
CLASS_HEAD = re.compile(rb"^[ \t]*class \w+(?:\[[^\n]*\])?\(([^)]*)\)", re.MULTILINE)
WORD = re.compile(rb"\w+")
Assignments = dict[str, list[tuple[FunctionNode, ast.expr | None, ast.expr | None]]]


class Classes(Annotations):
    """Reads classes."""

    def __init__(self, project: Project, catalog: Catalog) -> None:
        super().__init__(project, catalog)
        self._bases: dict[Class, list[Class | External]] = {}
        self._subclasses: dict[Class, list[Class]] = {}
        self._assignments: dict[ast.ClassDef, Assignments] = {}
        self._heads: dict[str, list[Module]] = {}

    @abstractmethod
    def returned(self, function: Function) -> Values:
        """What calling a function gives, once it is awaited."""

    def bases(self, of: Class) -> list[Class | External]:
        """The class and all it inherits from, nearest first."""
        if of not in self._bases:
            self._bases[of] = [of]  # ends a loop of bases
            above = [base for node in of.node.bases for base in self._base(node, of.scope)]
            every: list[Class | External] = [of]
            for base in above:
                every += self.bases(base) if isinstance(base, Class) else [base]
            self._bases[of] = list(dict.fromkeys(every))
        return self._bases[of]

    def member(self, name: str, receiver: Class | Instance) -> Values:
        """What `receiver.name` may be."""
        of = receiver.of if isinstance(receiver, Instance) else receiver
        return self._first(self.bases(of), name, receiver)

    def above(self, of: Class, name: str, receiver: Class | Instance) -> Values:
        """What `super().name` may be in a method of the class."""
        return self._first(self.bases(of)[1:], name, receiver)

    def _first(
        self, bases: list[Class | External], name: str, receiver: Class | Instance
    ) -> Values:
        """The member of the first base that has it; what a library's class has comes last."""
        for base in bases:
            if isinstance(base, Class) and (found := self._own_member(base, name, receiver)):
                return found
        for base in bases:
            if isinstance(base, External) and not base.path.startswith(NOTHING_OWN):
                return (self.external(f"{base.path}().{name}"),)
        return ()

    def method(self, of: Class, name: str) -> Function | None:
        """The class's or a base's method, bound to an instance of the class."""
        for base in self.bases(of):
            if isinstance(base, Class):
                for value in self.name(name, scope_of(base.scope.module, base.node, base.scope)):
                    if isinstance(value, Function) and value.node in base.node.body:
                        return Function(value.node, value.scope, Instance(of))
        return None

    def overrides(self, function: Function) -> list[Function]:
        """For a method without a body of its own: those of subclasses."""
        receiver = function.receiver
        if not isinstance(receiver, Instance) or not is_abstract(function.node):
            return []
        name = getattr(function.node, "name", "")
        found = [
            method
            for below in self.subclasses(receiver.of) or self._fitting(receiver.of)
            if (method := self.method(below, name)) and not is_abstract(method.node)
        ]
        return found[:MOST_OVERRIDES]

    def subclasses(self, of: Class) -> list[Class]:
        """All classes of the project that inherit from it."""
        if of not in self._subclasses:
            modules = self._naming_as_base(of.node.name)
            below = [
                one
                for module in modules
                for one in self.all_classes(scope_of(module, module.tree))
                if one != of and of in self.bases(one)
            ]
            known = {one.node for one in below}
            deeper = [
                each for one in below for each in self.subclasses(one) if each.node not in known
            ]
            self._subclasses[of] = below + deeper
        return self._subclasses[of]

    def _fitting(self, of: Class) -> list[Class]:
        """For a Protocol that nothing inherits from: the classes that have all its methods."""
        if not any(str(getattr(base, "path", "")).endswith(".Protocol") for base in self.bases(of)):
            return []
        wanted = _methods(of.node)
        heads = [f"def {name}(".encode() for name in wanted]
        modules = [m for m in self.project.modules if all(head in m.source for head in heads)]
        classes = (one for m in modules for one in self.all_classes(scope_of(m, m.tree)))
        return [one for one in classes if wanted and one != of and wanted <= _methods(one.node)]

    def _naming_as_base(self, name: str) -> list[Module]:
        """The modules with a class whose head has the name."""
        if not self._heads:
            for module in self.project.modules:
                for head in CLASS_HEAD.finditer(module.source):
                    for word in set(WORD.findall(head[1])):
                        self._heads.setdefault(word.decode(), []).append(module)
        return list(dict.fromkeys(self._heads.get(name, [])))

    def all_classes(self, scope: Scope) -> Iterator[Class]:
        """The classes of a module."""
        for node in scope.module.tree.body:
            if isinstance(node, ast.ClassDef):
                yield Class(node, scope)

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
        return scope_of(of.scope.module, of.node, of.scope, receiver)

    def _read(self, values: Values) -> Values:
        """What reading an attribute gives: of a property what it returns."""
        return self.each(
            values, lambda value: self.returned(value) if is_property(value) else (value,)
        )

    def _assigned(self, base: Class, name: str, receiver: Class | Instance) -> Values:
        """What methods assign to `self.name`."""
        found: list[Value] = []
        for method, annotation, value in self._assignments_of(base.node).get(name, []):
            scope = scope_of(base.scope.module, method, self.inside(base, receiver), receiver)
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


def _methods(node: ast.ClassDef) -> set[str]:
    return {each.name for each in node.body if isinstance(each, FunctionNode)}


def is_property(value: object) -> TypeGuard[Function]:
    """Whether reading the attribute runs a method."""
    return isinstance(value, Function) and not PROPERTIES.isdisjoint(decorators(value.node))


def is_abstract(node: ast.AST) -> bool:
    """Whether it has no body of its own: a docstring, `...`, `pass`, NotImplementedError."""
    if not isinstance(node, FunctionNode):
        return False
    return "abstractmethod" in decorators(node) or all(map(_says_nothing, node.body))


def _says_nothing(statement: ast.stmt) -> bool:
    match statement:
        case ast.Pass() | ast.Expr(value=ast.Constant()):
            return True
        case ast.Raise(exc=ast.expr() as error):
            return "NotImplementedError" in ast.unparse(error)
    return False


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


def _attribute(target: ast.expr, own: str) -> str | None:
    match target:
        case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name == own:
            return attribute
    return None


def _first_parameter(method: ast.AST) -> str:
    arguments = getattr(method, "args", None)
    named = [*arguments.posonlyargs, *arguments.args] if arguments else []
    return named[0].arg if named else ""

"""What an expression may be: the few kinds of values that matter here."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

from fastoffload.doctor.reading.resolving.bindings import Function as FunctionNode
from fastoffload.doctor.reading.resolving.bindings import within
from fastoffload.doctor.reading.resolving.interned import Interned
from fastoffload.doctor.reading.sources import Module


@dataclass(frozen=True, slots=True, eq=False)
class Package(metaclass=Interned):
    """A module of the project, or a folder of modules: what `import` gives."""

    name: str
    module: Module | None


@dataclass(frozen=True, slots=True, eq=False)
class Class(metaclass=Interned):
    """A class of the project."""

    node: ast.ClassDef
    scope: "Scope" = field(repr=False)
    """Where it is defined."""


@dataclass(frozen=True, slots=True, eq=False)
class Instance(metaclass=Interned):
    """An object of a class of the project."""

    of: Class
    given: "Given" = ()
    """What its constructor got, as far as that says more than annotations."""


@dataclass(frozen=True, slots=True, eq=False)
class Function(metaclass=Interned):
    """A function of the project; with a receiver, a bound method."""

    node: FunctionNode | ast.Lambda
    scope: "Scope" = field(repr=False)
    """Where it is defined."""
    receiver: "Instance | Class | None" = None
    given: "Given" = ()
    """What is known of arguments from the call."""

    @property
    def body(self) -> "Scope":
        """The scope of its body."""
        return Scope(self.scope.module, self.node, self.scope, self.receiver, self.given)

    @property
    def is_async(self) -> bool:
        """Whether calling it gives something to await."""
        return isinstance(self.node, ast.AsyncFunctionDef)

    @property
    def name(self) -> str:
        """As a reader knows it, with the class of a method."""
        own: str = getattr(self.node, "name", "lambda")
        of = self.receiver.of if isinstance(self.receiver, Instance) else self.receiver
        return f"{of.node.name}.{own}" if of else own


@dataclass(frozen=True, slots=True, eq=False)
class External(metaclass=Interned):
    """Something of a library, as the path to it: `requests.Session().get`."""

    path: str


@dataclass(frozen=True, slots=True, eq=False)
class Items(metaclass=Interned):
    """A list, a dictionary, a generator: what it holds, whatever the key."""

    of: "Values"


@dataclass(frozen=True, slots=True, eq=False)
class Parts(metaclass=Interned):
    """A tuple, part by part."""

    of: "tuple[Values, ...]"


@dataclass(frozen=True, slots=True, eq=False)
class Known(metaclass=Interned):
    """A constant that a call passes on: it may decide which branch is taken."""

    value: str | int | None


Value = Package | Class | Instance | Function | External | Items | Parts | Known
Values = tuple[Value, ...]
Given = tuple[tuple[str, Values], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Scope(metaclass=Interned):
    """Where names are looked up: a module, a class body, or a function as it is called."""

    module: Module
    node: ast.AST
    outer: "Scope | None" = None
    receiver: Instance | Class | None = None
    given: Given = ()
    """What is known of arguments from the call."""


def every_scope(scope: Scope) -> Iterator[Scope]:
    """The scope and all inside it; methods are read for an object of their class."""
    yield scope
    for node in within(scope.node):
        if isinstance(node, FunctionNode):
            is_method = isinstance(scope.node, ast.ClassDef) and not is_static(node)
            receiver = scope.receiver if is_method else None
            yield from every_scope(Scope(scope.module, node, scope, receiver))
        elif isinstance(node, ast.ClassDef):
            receiver = Instance(Class(node, scope))
            yield from every_scope(Scope(scope.module, node, scope, receiver))


@cache
def decorators(node: ast.AST) -> frozenset[str]:
    """The last names of its decorators: `app.get("/")` is `get`."""
    found = set()
    for decorator in getattr(node, "decorator_list", []):
        named = decorator.func if isinstance(decorator, ast.Call) else decorator
        found.add(getattr(named, "attr", getattr(named, "id", "")))
    return frozenset(found)


def is_static(node: ast.AST) -> bool:
    """Whether it gets no object."""
    return "staticmethod" in decorators(node)


@cache
def is_generator(node: ast.AST) -> bool:
    """Whether it yields."""
    return any(isinstance(each, ast.Yield | ast.YieldFrom) for each in within(node))

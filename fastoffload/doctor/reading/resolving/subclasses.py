"""Which classes of the project stand in for another: subclasses, or what fits a Protocol."""

import ast
import re
from collections.abc import Iterator

from fastoffload.doctor.blocking import Catalog
from fastoffload.doctor.reading.resolving.bindings import Function as FunctionNode
from fastoffload.doctor.reading.resolving.classes import Classes
from fastoffload.doctor.reading.resolving.values import (
    Class,
    External,
    Function,
    Instance,
    Scope,
    decorators,
)
from fastoffload.doctor.reading.sources import Module, Project

# More overriding methods than these are an interface of the world, not a strategy.
MOST_OVERRIDES = 6
CLASS_HEAD = re.compile(rb"^[ \t]*class \w+(?:\[[^\n]*\])?\(([^)]*)\)", re.MULTILINE)
WORD = re.compile(rb"\w+")


class Subclasses(Classes):
    """Looks for what stands in for a class."""

    def __init__(self, project: Project, catalog: Catalog) -> None:
        super().__init__(project, catalog)
        self._heads: dict[str, list[Module]] = {}

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

    def subclasses(self, of: Class) -> tuple[Class, ...]:
        """All classes of the project that inherit from it."""
        return self.memory.ask(self._subclasses, of)

    def _subclasses(self, of: Class) -> tuple[Class, ...]:
        below = [
            one
            for module in self._naming_as_base(of.node.name)
            for one in self.all_classes(Scope(module, module.tree))
            if one != of and of in self.bases(one)
        ]
        known = {one.node for one in below}
        deeper = [each for one in below for each in self.subclasses(one) if each.node not in known]
        return (*below, *deeper)

    def _fitting(self, of: Class) -> list[Class]:
        """For a Protocol that nothing inherits from: the classes that have all its methods."""
        bases = [base.path for base in self.bases(of) if isinstance(base, External)]
        if not any(path.endswith(".Protocol") for path in bases):
            return []
        wanted = _methods(of.node)
        heads = [f"def {name}(".encode() for name in wanted]
        modules = [m for m in self.project.modules if all(head in m.source for head in heads)]
        classes = (one for m in modules for one in self.all_classes(Scope(m, m.tree)))
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


def _methods(node: ast.ClassDef) -> set[str]:
    return {each.name for each in node.body if isinstance(each, FunctionNode)}


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

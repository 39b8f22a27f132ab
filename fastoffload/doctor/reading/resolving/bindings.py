"""What each name of a module, a class or a function is bound to, by syntax alone."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

How = Literal[
    "value",  # x = node
    "typed",  # x: annotation = node
    "item",  # for x in node
    "entered",  # with node as x
    "part",  # a, x = node
    "import",  # import, from … import
    "def",
    "class",
    "param",
]
Function = ast.FunctionDef | ast.AsyncFunctionDef
Inner = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
# Nodes that bind names; a TypeAlias of newer grammars is an expression to this one, see `grammar`.
BINDING = {
    ast.Assign, ast.AnnAssign, ast.NamedExpr, ast.For, ast.AsyncFor, ast.comprehension,
    ast.withitem, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom,
    *([ast.TypeAlias] if hasattr(ast, "TypeAlias") else []),
}  # fmt: skip
# Fields that hold no node, or one that says nothing here.
NO_NODES = {
    "ctx", "op", "ops", "id", "attr", "arg", "name", "asname", "lineno", "type_comment", "module",
    "level", "simple", "is_async", "conversion", "kind", "rest", "kwd_attrs", "str",
}  # fmt: skip
WITH_GAPS = {ast.Dict, ast.arguments}  # a list of theirs may hold None
NO_NODES_BELOW = (ast.Constant, ast.MatchSingleton, ast.Global, ast.Nonlocal)


@dataclass(frozen=True, slots=True, eq=False)
class Binding:
    """One way in which a name gets its value."""

    how: How
    node: ast.AST | None
    annotation: ast.expr | None = None
    source: str = ""
    """Of an import: the module, with a dot for each level of a relative one."""
    name: str | None = None
    """Of an import: what is taken from the module; None for the module itself."""
    index: int = 0
    """Of a part: which."""


@dataclass(slots=True)
class Bindings:
    """All of a scope."""

    names: dict[str, list[Binding]] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    """Modules that `import *` takes all names from."""

    def add(self, name: str, binding: Binding) -> None:
        """One more way in which the name gets a value."""
        self.names.setdefault(name, []).append(binding)


@cache
def bindings_of(scope: ast.AST, *, with_globals: bool = False) -> Bindings:
    """What is bound in a module, a class, a function or a lambda, nested ones left out."""
    found = Bindings()
    for node in within(scope):
        if type(node) in BINDING:
            _bind(found, node)
    if with_globals:
        _bind_globals(found, scope)
    return found


@cache  # asked again and again, by everybody who looks for something in a function
def within(scope: ast.AST) -> tuple[ast.AST, ...]:
    """Every node of a scope's own body; of nested functions and classes only their head."""
    found = []
    waiting = _body(scope)[::-1]
    while waiting:
        node = waiting.pop()
        found.append(node)
        if FIELDS[type(node)]:
            below = head(node) if isinstance(node, Inner) else children(node)
            waiting += below[::-1]
    return tuple(found)


def children(node: ast.AST) -> list[ast.AST]:
    """The nodes right below, without contexts: many times as fast as `ast.iter_child_nodes`."""
    found: list[ast.AST] = []
    for name in FIELDS[type(node)]:
        value = getattr(node, name, None)
        if value.__class__ is list:
            found += value
        elif value is not None:
            found.append(value)
    return [*filter(None, found)] if type(node) in WITH_GAPS else found


class _Fields(dict[type[ast.AST], tuple[str, ...]]):
    """The fields of each kind of node that may hold nodes."""

    def __missing__(self, kind: type[ast.AST]) -> tuple[str, ...]:
        named = () if issubclass(kind, NO_NODES_BELOW) else kind._fields
        self[kind] = tuple(name for name in named if name not in NO_NODES)
        return self[kind]


FIELDS = _Fields()


def _body(scope: ast.AST) -> list[ast.AST]:
    body = getattr(scope, "body", [])
    return list(body) if isinstance(body, list) else [body]


def head(node: ast.AST) -> list[ast.AST]:
    """What of a nested scope is evaluated where it stands: decorators, bases, defaults."""
    if isinstance(node, ast.ClassDef):
        return [*node.decorator_list, *node.bases]
    arguments = getattr(node, "args", None)
    defaults = [*arguments.defaults, *filter(None, arguments.kw_defaults)] if arguments else []
    return [*getattr(node, "decorator_list", []), *defaults]


def _bind(found: Bindings, node: ast.AST) -> None:
    match node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                _bind_target(found, target, "value", value)
        case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=value):
            found.add(name, Binding("typed", value, annotation))
        case ast.NamedExpr(target=target, value=value):
            _bind_target(found, target, "value", value)
        case ast.For() | ast.AsyncFor() | ast.comprehension():
            _bind_target(found, node.target, "item", node.iter)
        case ast.withitem(context_expr=value, optional_vars=ast.expr() as target):
            _bind_target(found, target, "entered", value)
        case _:
            _bind_statement(found, node)


def _bind_statement(found: Bindings, node: ast.AST) -> None:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            found.add(node.name, Binding("def", node))
        case ast.ClassDef():
            found.add(node.name, Binding("class", node))
        case ast.Import(names=aliases):
            for alias in aliases:
                # `import a.b` binds `a`; `import a.b as c` binds `c` to `a.b`.
                source = alias.name if alias.asname else alias.name.partition(".")[0]
                found.add(alias.asname or source, Binding("import", node, source=source))
        case ast.ImportFrom(names=aliases):
            _bind_from(found, node)
        case _ if type(node).__name__ == "TypeAlias":  # 3.12 and later
            found.add(node.name.id, Binding("value", node.value))  # type: ignore[attr-defined]


def _bind_from(found: Bindings, node: ast.ImportFrom) -> None:
    source = "." * node.level + (node.module or "")
    for alias in node.names:
        if alias.name == "*":
            found.stars.append(source)
        else:
            binding = Binding("import", node, source=source, name=alias.name)
            found.add(alias.asname or alias.name, binding)


def _bind_target(found: Bindings, target: ast.expr, how: How, value: ast.expr) -> None:
    match target, value:
        case ast.Name(id=name), _:
            found.add(name, Binding(how, value))
        case ((ast.Tuple(elts=targets) | ast.List(elts=targets)), ast.Tuple(elts=values)) if (
            how == "value" and len(targets) == len(values)
        ):
            for one, its_value in zip(targets, values, strict=True):
                _bind_target(found, one, how, its_value)
        case ((ast.Tuple(elts=targets) | ast.List(elts=targets)), _) if how != "item":
            for index, one in enumerate(targets):
                if isinstance(one, ast.Name):
                    found.add(one.id, Binding("part", value, index=index))


def _bind_globals(found: Bindings, module: ast.AST) -> None:
    """What functions assign to names that they declare global."""
    for function in _functions(module):
        declared = {
            name for own in within(function) if isinstance(own, ast.Global) for name in own.names
        }
        if declared:
            own_bindings = bindings_of(function)
            for name in declared:
                for binding in own_bindings.names.get(name, []):
                    found.add(name, binding)


def _functions(scope: ast.AST) -> Iterator[Function]:
    """The functions in it, however deep; those that say `global` are among them."""
    for node in within(scope):
        if isinstance(node, Function):
            yield node
        if isinstance(node, Function | ast.ClassDef):
            yield from _functions(node)

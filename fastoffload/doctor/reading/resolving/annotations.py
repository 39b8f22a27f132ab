"""What something of an annotation may be."""

import ast
from functools import cache

from fastoffload.doctor.reading.resolving.names import Names, home
from fastoffload.doctor.reading.resolving.values import (
    Class,
    External,
    Instance,
    Items,
    Parts,
    Scope,
    Values,
)

TYPING = ("typing.", "typing_extensions.", "collections.abc.", "types.")
# What their subscript's last argument is, is what one has in hand.
TRANSPARENT = {
    "Optional", "Final", "ClassVar", "Required", "NotRequired", "Awaitable", "Mapped", "Coroutine",
}  # fmt: skip
HOLDERS = {
    "list", "set", "frozenset", "dict", "deque", "defaultdict", "List", "Set", "FrozenSet", "Dict",
    "Sequence", "Iterable", "Iterator", "Collection", "Mapping", "MutableMapping", "OrderedDict",
    "AsyncIterator", "AsyncIterable", "DefaultDict", "Deque", "AbstractSet", "MutableSequence",
    "AbstractContextManager", "AbstractAsyncContextManager", "ContextManager",
    "AsyncContextManager",
}  # fmt: skip
GENERATORS = {"Generator", "AsyncGenerator"}
UNKNOWN = {"Any", "object", "None", "TypeVar", "Callable", "Self", "Literal", "type", "Type"}


class Annotations(Names):
    """Reads annotations."""

    def annotated(self, node: ast.expr | None, scope: Scope) -> Values:
        """What something of that annotation may be; nothing if that is unknown."""
        if node is None:
            return ()
        if isinstance(node, ast.Name) and node.id != "Self":
            return self.memory.ask(self._named, node.id, home(node.id, scope))
        return self.memory.ask(self._read_annotation, node, scope)

    def _read_annotation(self, node: ast.expr, scope: Scope) -> Values:
        match node:
            case ast.Constant(value=str() as text):
                return self.annotated(_parsed(text), scope)
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                both = self.annotated(left, scope) + self.annotated(right, scope)
                return tuple(dict.fromkeys(both))
            case ast.Subscript(value=value, slice=inner):
                return self._subscript(value, inner, scope)
            case ast.Name(id="Self") | ast.Attribute(attr="Self"):
                return self._receiver(scope)
            case ast.Attribute():
                return self.each(self.evaluate(node, scope), self._made)
        return ()

    def _named(self, name: str, scope: Scope) -> Values:
        alias = self._alias(name, scope)
        if alias is not None:
            return self.annotated(*alias)
        return self.each(self.name(name, scope), self._made)

    def _made(self, value: object) -> Values:
        match value:
            case Class() as of:
                return (Instance(of),)
            case External(path=path) if path.startswith(TYPING) or path in UNKNOWN or "(" in path:
                return ()
            case External(path=path):
                return (self.external(f"{path}()"),)
        return ()

    def _receiver(self, scope: Scope) -> Values:
        match scope.receiver:
            case Class() as of:
                return (Instance(of),)
            case Instance() as instance:
                return (instance,)
        return ()

    def _alias(self, name: str, scope: Scope) -> tuple[ast.expr, Scope] | None:
        """What a name of an annotation stands for: `SessionDep = Annotated[…]`, `type X = …`."""
        found = self.binding(name, scope)
        if found is None:
            return None
        binding, where = found
        value = binding.node
        is_alias = isinstance(value, ast.Subscript | ast.BinOp)
        if binding.how in ("value", "typed") and is_alias and isinstance(value, ast.expr):
            return value, where
        return None

    def _subscript(self, of: ast.expr, inner: ast.expr, scope: Scope) -> Values:
        parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
        name = _last(of)
        if name == "Annotated":
            return self.annotated(parts[0], scope)
        if name == "Union":
            return tuple(dict.fromkeys(v for part in parts for v in self.annotated(part, scope)))
        if name in TRANSPARENT:
            return self.annotated(parts[-1], scope)
        if name in HOLDERS | GENERATORS:
            held = parts[0] if name in GENERATORS else parts[-1]
            return self._held(held, scope)
        if name in ("type", "Type"):
            return self._classes(parts[0], scope)
        if name in ("tuple", "Tuple"):
            return self._tuple(parts, scope)
        return self.annotated(of, scope)  # a generic class

    def _held(self, node: ast.expr, scope: Scope) -> Values:
        held = self.annotated(node, scope)
        return (Items(held),) if held else ()

    def _classes(self, node: ast.expr, scope: Scope) -> Values:
        return tuple(value for value in self.evaluate(node, scope) if isinstance(value, Class))

    def _tuple(self, parts: list[ast.expr], scope: Scope) -> Values:
        if isinstance(parts[-1], ast.Constant) and parts[-1].value is ...:
            return self._held(parts[0], scope)
        return (Parts(tuple(self.annotated(part, scope) for part in parts)),)


def _last(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


@cache  # the same nodes for the same text, or an alias of itself would have no end
def _parsed(text: str) -> ast.expr | None:
    try:
        return ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        return None

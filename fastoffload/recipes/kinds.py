"""The kinds of jobs that a project has, by reading their kind.py alone."""

import ast
from dataclasses import dataclass
from typing import Self

from fastoffload.recipes.place import Place

KIND = "kind.py"


@dataclass(frozen=True, slots=True)
class Kind:
    """What a kind.py says: the name, where its jobs are, and whose queue."""

    name: str
    prefix: str
    call: ast.Call

    @classmethod
    def read(cls, text: str | bytes) -> Self | None:
        """None where no Kind is made, or by a name that only running tells."""
        try:
            nodes = ast.walk(ast.parse(text))
        except (SyntaxError, ValueError):
            return None
        for node in nodes:
            match node:
                case ast.Call(func=ast.Name(id="Kind"), args=[ast.Constant(value=str(name)), *_]):
                    return cls(name, _prefix(node) or f"/jobs/{name}", node)
        return None


def kinds(place: Place) -> dict[str, Kind]:
    """By the name of their folder."""
    files = sorted((place.root / place.jobs).glob(f"*/{KIND}"))
    found = {file.parent.name: Kind.read(file.read_bytes()) for file in files}
    return {folder: kind for folder, kind in found.items() if kind}


def _prefix(call: ast.Call) -> str | None:
    for keyword in call.keywords:
        match keyword:
            case ast.keyword(arg="prefix", value=ast.Constant(value=str(prefix))):
                return prefix
    return None

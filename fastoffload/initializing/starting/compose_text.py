"""A compose file as text: which of its lines are whose. No tag in it means anything here."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import yaml

ANCHOR = re.compile(r"(?:^|\s)&\w")
NO_TEXT = re.compile(r"\s*(#.*)?")


class UnfitError(Exception):
    """A file to which nothing is added, and why."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How services stand in a file, and where one more goes."""

    column: int
    copied: list[str]  # the lines of one that another shall have too
    end: int
    is_spaced: bool


def mapping(node: "yaml.Node", *, merged: bool = False) -> "dict[str, yaml.Node]":
    """The values of a mapping by their keys, if so with those that `<<` brings; else nothing."""
    import yaml

    if not isinstance(node, yaml.MappingNode):
        return {}
    own = {str(key.value): value for key, value in node.value}
    if not merged or "<<" not in own:
        return own
    sources = own["<<"].value if isinstance(own["<<"], yaml.SequenceNode) else [own["<<"]]
    brought: dict[str, yaml.Node] = {}
    for one in sources:
        brought = mapping(one, merged=True) | brought
    return brought | own


def plain(node: "yaml.Node") -> list[str]:
    """The words of a scalar or of a list of them, of which much may be either; else its text."""
    import yaml

    inner = node.value if isinstance(node, yaml.SequenceNode) else [node]
    if all(isinstance(one, yaml.ScalarNode) for one in inner):
        return [str(one.value) for one in inner]
    return [yaml.serialize(node, Dumper=yaml.SafeDumper)]


def services(source: str) -> "dict[str, yaml.Node]":
    """Its services by their names. Raises UnfitError where it has none."""
    return mapping(_services(source))


def texts(source: str) -> Iterator[tuple[str, str]]:
    """What each service and each other part of it says, whatever its layout."""
    import yaml

    for name, node in mapping(_whole(source)).items():
        parts = mapping(node) if name == "services" else {}
        for inner, below in parts.items():
            yield f"services.{inner}", yaml.serialize(below, Dumper=yaml.SafeDumper)
        if not parts:
            yield name, yaml.serialize(node, Dumper=yaml.SafeDumper)


def layout(source: str, name: str, keys: Sequence[str]) -> Layout:
    """How the services stand, with the lines of some keys of one of them."""
    import yaml

    whole, below = _whole(source), _services(source)
    lines = source.splitlines()
    end = _end(lines, whole, "services", len(lines))
    (place,) = [key.start_mark for key, _ in below.value if key.value == name]
    service = services(source)[name]
    is_apart = service.start_mark.line > place.line and place.column
    if not isinstance(service, yaml.MappingNode) or service.flow_style or not is_apart:
        raise UnfitError(f"its service {name} is not written as lines of its own")
    last = _end(lines, below, name, end)
    copied: list[str] = []
    for key, _ in service.value:
        if key.value in keys:
            start = key.start_mark.line
            copied += lines[start : _end(lines, service, key.value, last)]
    if any(ANCHOR.search(line) for line in copied) or not copied:
        raise UnfitError(f"what its service {name} has is named by an anchor, for use elsewhere")
    span = lines[below.start_mark.line : end]
    return Layout(place.column, copied, end, any(not line.strip() for line in span))


def _end(lines: list[str], node: "yaml.MappingNode", name: str, last: int) -> int:
    """The line behind the last one of a key; comments above what comes next are not its own."""
    starts: list[int] = [key.start_mark.line for key, _ in node.value] + [last]
    position = [key.value for key, _ in node.value].index(name)
    end = starts[position + 1]
    while NO_TEXT.fullmatch(lines[end - 1]):
        end -= 1
    return end


def _services(source: str) -> "yaml.MappingNode":
    import yaml

    node = mapping(_whole(source)).get("services")
    if not isinstance(node, yaml.MappingNode) or node.flow_style:
        raise UnfitError("it lists no services, or not as lines of their own")
    return node


def _whole(source: str) -> "yaml.MappingNode":
    import yaml

    try:
        node = yaml.compose(source, yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise UnfitError("it is not read as YAML") from error
    if not isinstance(node, yaml.MappingNode) or node.flow_style:
        raise UnfitError("it lists no services, or not as lines of their own")
    return node

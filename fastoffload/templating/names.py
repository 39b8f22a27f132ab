"""Names of projects, by the rules of Python's packaging."""

import re
import tomllib
import unicodedata
from pathlib import Path

# ASCII, because IGNORECASE alone lets the Kelvin sign pass for a K.
VALID = re.compile(r"[A-Z0-9]([A-Z0-9._-]*[A-Z0-9])?", re.IGNORECASE | re.ASCII)
LEADING_NAME = re.compile(r"[A-Za-z0-9._-]+")


def is_valid(name: str) -> bool:
    """Whether packaging tools accept the name (PEP 508)."""
    return VALID.fullmatch(name) is not None


def valid_name_like(name: str) -> str | None:
    """A valid name near to one that is not: `my-app` for `my app`; None where nothing is left."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    made = re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip("-_.")
    return made if is_valid(made) else None


def normalized(name: str) -> str:
    """The name as it is compared: `My.Project` and `my_project` are one (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def dependency_names(pyproject: Path) -> set[str]:
    """The normalized names of everything that a pyproject.toml depends on, its groups included."""
    document = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    lists = [document["project"].get("dependencies", [])]
    lists += document.get("dependency-groups", {}).values()
    # A group may also hold tables, `{include-group = "…"}`, which name no project.
    entries = [entry for entries in lists for entry in entries if isinstance(entry, str)]
    return {normalized(match[0]) for entry in entries if (match := LEADING_NAME.match(entry))}

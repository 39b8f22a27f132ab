"""What an application requires already: its own requirements, and the versions that are locked."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from fastoffload.errors import FastoffloadError
from fastoffload.requirements.managers import DEV_LISTS, list_of, requirements_in, split

BASIS = {"fastapi", "pydantic", "sqlalchemy"}  # which no package manager is to raise for us
LOCKS = ("uv.lock", "poetry.lock", "pdm.lock")
PYTHONS = [f"3.{minor}.99" for minor in range(11, 20)]  # on which the engine may run
CARET = re.compile(r"^[\^~]\s*(\d+)(?:\.(\d+))?")


def declared(root: Path) -> list[str]:
    """The requirements of the project, as PEP 508 writes them; Poetry's by their names alone."""
    return [*_of_pyproject(_document(root / "pyproject.toml")), *_listed(list_of(root))]


def declared_for_developers(root: Path) -> list[str]:
    """The same of what only its developers need."""
    document = _document(root / "pyproject.toml")
    groups = document.get("dependency-groups", {}).values()
    poetry = document.get("tool", {}).get("poetry", {})
    tables = [group.get("dependencies", {}) for group in poetry.get("group", {}).values()]
    pdm = document.get("tool", {}).get("pdm", {}).get("dev-dependencies", {}).values()
    entries = [one for group in (*groups, *pdm) for one in group if isinstance(one, str)]
    for table in (*tables, poetry.get("dev-dependencies", {})):
        entries += _of_poetry(table)
    return [*entries, *_listed(list_of(root, DEV_LISTS))]


def _listed(plain: Path | None) -> list[str]:
    return requirements_in(plain.read_text(encoding="utf-8")) if plain else []


def check(root: Path, wanted: list[str]) -> None:
    """Raises FastoffloadError for a version below the oldest that the engine runs with.

    What others alone have brought, the package manager may raise.
    """
    floors = {split(one)[0]: floor for one in wanted if (floor := _floor(one))}
    own = declared(root)
    chosen = {split(one)[0] for one in own} | BASIS
    for lock, name, version in _locked(root):
        if name in floors.keys() & chosen and version < floors[name]:
            raise _too_old(f"{lock} has {name} {version}", floors[name])
    for one in own:
        name = split(one)[0]
        if name in floors and (least := _below(one, floors[name])):
            raise _too_old(f"the requirement `{least}`", floors[name])
    _check_python(root)


def _too_old(what: str, floor: Version) -> FastoffloadError:
    return FastoffloadError(
        f"{what}, and the engine needs {floor} or newer; raise it first. Nothing was written"
    )


def _check_python(root: Path) -> None:
    wanted = _document(root / "pyproject.toml").get("project", {}).get("requires-python", "")
    try:
        allowed = SpecifierSet(wanted)
    except InvalidSpecifier:
        return
    if not any(allowed.contains(version) for version in PYTHONS):
        raise FastoffloadError(
            f"requires-python is {wanted}, and the engine needs Python 3.11 or newer; raise it"
            " first. Nothing was written"
        )


def _of_pyproject(document: dict[str, Any]) -> Iterator[str]:
    yield from document.get("project", {}).get("dependencies", [])
    yield from _of_poetry(document.get("tool", {}).get("poetry", {}).get("dependencies", {}))


def _of_poetry(named: dict[str, Any]) -> Iterator[str]:
    for name, value in named.items():
        table = value if isinstance(value, dict) else {"version": value}
        extras = ",".join(table.get("extras", []))
        version = _specifier(str(table.get("version", "")))
        yield f"{name}[{extras}]{version}" if extras else f"{name}{version}"


def _specifier(version: str) -> str:
    """Poetry's `^1.2` as an upper bound; any other is a specifier already, or says nothing."""
    if caret := CARET.match(version):
        major, minor = int(caret[1]), int(caret[2] or 0)
        is_last = version.startswith("^") and major
        return f"<{major + 1}" if is_last else f"<{major}.{minor + 1}"
    if re.match(r"\d", version):
        return f"=={version}"
    return version if re.match(r"[<>=!]", version) else ""


def _floor(requirement: str) -> Version | None:
    lowest = [one for one in Requirement(requirement).specifier if one.operator == ">="]
    return Version(lowest[0].version) if lowest else None


def _below(requirement: str, floor: Version) -> str | None:
    """The requirement, where it allows nothing from the floor on."""
    try:
        parsed = Requirement(requirement)
    except InvalidRequirement:
        return None
    for one in parsed.specifier:
        try:
            version = Version(one.version)
        except InvalidVersion:  # ==1.*
            continue
        too_low = {
            "==": version < floor,
            "<=": version < floor,
            "<": version <= floor,
            "~=": version.release[:-1] < floor.release[: len(version.release) - 1],
        }
        if too_low.get(one.operator):
            return requirement
    return None


def _locked(root: Path) -> Iterator[tuple[str, str, Version]]:
    """Name and version of every package in the nearest lock file."""
    for folder in (root, *root.parents):
        for name in LOCKS:
            for package in _document(folder / name).get("package", []):
                if "version" in package:
                    yield name, split(package["name"])[0], Version(package["version"])
        if any((folder / name).exists() for name in (*LOCKS, ".git")):
            return


def _document(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise FastoffloadError(f"{file} cannot be read: {error}; mend it first") from error

"""What a lock file says, whichever package manager wrote it."""

import tomllib
from typing import Any

from packaging.version import InvalidVersion, Version

from fastoffload.requirements.managers import split

Packages = dict[str, str]
"""Versions by names; of a package that is there twice, both."""


def packages(lock: bytes) -> Packages:
    """What it locks; nothing where it cannot be read."""
    found: dict[str, list[str]] = {}
    for one in _document(lock).get("package", []):
        found.setdefault(split(one["name"])[0], []).append(str(one.get("version", "")))
    return {name: ", ".join(sorted(versions)) for name, versions in found.items()}


def raised(before: bytes, after: bytes) -> list[str]:
    """Which packages have another version, and which."""
    old, new = packages(before), packages(after)
    return [
        f"{name} {version} to {new[name]}"
        for name, version in old.items()
        if name in new and new[name] != version
    ]


def is_upgraded(before: bytes, by_us: bytes, now: bytes) -> bool:
    """Whether a package is gone, or newer than before and than we made it.

    The requirements of others may hold one back.
    """
    old, ours, new = packages(before), packages(by_us), packages(now)
    return any(
        name not in new or (new[name] != ours.get(name) and _is_newer(new[name], version))
        for name, version in old.items()
    )


def has_new_format(before: bytes, after: bytes) -> bool:
    """Whether an older program wrote it, so that other lines change with it."""
    return _format(before) != _format(after)


def _is_newer(one: str, other: str) -> bool:
    try:
        return Version(one) > Version(other)
    except InvalidVersion:  # none, or two
        return one != other


def _format(lock: bytes) -> tuple[object, ...]:
    document = _document(lock)
    metadata = document.get("metadata", {})
    ours = (document.get("version"), document.get("revision"))
    return (*ours, metadata.get("lock-version"), metadata.get("lock_version"))


def _document(lock: bytes) -> dict[str, Any]:
    try:
        return tomllib.loads(lock.decode())
    except ValueError:
        return {}

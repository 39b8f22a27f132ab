"""The uv workspace that a folder would be a member of."""

import tomllib
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path


def workspace_around(folder: Path) -> Path | None:
    """The root of the workspace whose members the folder is among, by uv's rules; or None.

    The nearest pyproject.toml above decides. Its `members` and `exclude` are globs.
    """
    for root in folder.parents:
        if (root / "pyproject.toml").is_file():
            workspace = _workspace_table(root / "pyproject.toml")
            parts = folder.relative_to(root).parts
            is_member = _among(parts, workspace.get("members"))
            return root if is_member and not _among(parts, workspace.get("exclude")) else None
    return None


def _workspace_table(pyproject: Path) -> dict[str, object]:
    """Empty when there is none, or the file is not ours to understand."""
    try:
        document = tomllib.loads(pyproject.read_text(encoding="utf-8"))
        return dict(document["tool"]["uv"]["workspace"])
    except (OSError, ValueError, LookupError, TypeError):
        return {}


def _among(parts: Sequence[str], patterns: object) -> bool:
    given = patterns if isinstance(patterns, list) else []
    return any(_matches(parts, [one for one in str(p).split("/") if one != "."]) for p in given)


def _matches(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """As a path: `**` stands for any number of folders, anything else for one."""
    if not pattern or not parts:
        return not parts and all(one in ("**", "") for one in pattern)
    if pattern[0] == "**":
        return _matches(parts, pattern[1:]) or _matches(parts[1:], pattern)
    return fnmatchcase(parts[0], pattern[0]) and _matches(parts[1:], pattern[1:])

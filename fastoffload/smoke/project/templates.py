"""The templates to smoke: those of this release, of a folder, or of a repository."""

import shutil
from pathlib import Path

from fastoffload.errors import FastoffloadError
from fastoffload.git.call import call, reason
from fastoffload.templating.releases import templates_dir

LEFT_OUT = (".git", ".venv", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache")


def take(source: str | None, root: Path) -> Path:
    """A copy below the root that stays the same while the smoke runs.

    Raises FastoffloadError when there are no templates.
    """
    found = templates_dir() if source is None else _root_of(_fetched(source, root), source)
    copy = root / "templates"
    shutil.copytree(found, copy, ignore=shutil.ignore_patterns(*LEFT_OUT))
    return copy


def _fetched(source: str, root: Path) -> Path:
    if Path(source).is_dir():
        return Path(source)
    clone = root / "clone"
    options = ("--quiet", "--depth", "1", source, str(clone))
    done = call("clone", *options, env={"GIT_TERMINAL_PROMPT": "0"}, allowed=range(256))
    if done.returncode:
        raise FastoffloadError(f"--templates {source} is no folder, and git says: {reason(done)}")
    return clone


def _root_of(folder: Path, source: str) -> Path:
    for candidate in (folder, folder / "templates"):
        if (candidate / "copier.yml").is_file():
            return candidate
    raise FastoffloadError(
        f"--templates {source} has no copier.yml; give the folder or repository that holds it"
    )

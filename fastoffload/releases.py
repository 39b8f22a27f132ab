"""The template releases: where they are found, and which there are."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from fastoffload import bundle, development
from fastoffload.errors import FastoffloadError
from fastoffload.plumbing import Repository

PACKAGE = Path(__file__).parent


def templates_dir() -> Path:
    """The template's root: inside the package in a wheel, beside it in a checkout."""
    for folder in (PACKAGE / "templates", PACKAGE.parent / "templates"):
        if (folder / "copier.yml").is_file():
            return folder
    raise FastoffloadError(f"{PACKAGE} has no templates; install fastoffload again")


@cache
def versions() -> tuple[str, ...]:
    """All releases, the oldest first; the last is that of the templates at hand."""
    return tuple(_in_checkout()[1] if _may_differ() else bundle.versions())


def newest() -> str:
    """The release of the templates at hand."""
    return versions()[-1]


def check_known(version: str) -> None:
    """Raises when there is no such release."""
    if version not in versions():
        raise FastoffloadError(
            f"release {version} is not known to this fastoffload, which has"
            f" {', '.join(versions())}; install the fastoffload that made it, or a newer one"
        )


def between(old: str, new: str) -> list[str]:
    """The releases after the old one, up to the new one."""
    known = versions()
    return list(known[known.index(old) + 1 : known.index(new) + 1])


@contextmanager
def templates(version: str) -> Iterator[Path]:
    """A folder with the templates of a release."""
    check_known(version)
    if version == newest():
        yield templates_dir()
        return
    with tempfile.TemporaryDirectory(prefix="fastoffload-") as folder:
        repository().write_to(Path(folder), f"refs/tags/{version}")
        yield Path(folder)


def repository() -> Repository:
    """The releases as a git repository."""
    return _in_checkout()[0] if _may_differ() else bundle.unpacked()


def _may_differ() -> bool:
    """In a checkout somebody may have changed them. Without git nobody can tell, or has."""
    return templates_dir().parent != PACKAGE and shutil.which("git") is not None


@cache
def _in_checkout() -> tuple[Repository, list[str]]:
    return development.releases(templates_dir())

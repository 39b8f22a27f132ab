"""The recorded releases of the templates: a git bundle that comes with the package."""

import hashlib
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from fastoffload.errors import FastoffloadError
from fastoffload.plumbing import Repository

BUNDLE = Path(__file__).parent / "releases.bundle"
TAGS = "refs/tags/"


def versions() -> list[str]:
    """The recorded releases, oldest first, as the bundle's header has them; needs no git."""
    from packaging.version import Version

    found = []
    with _opened() as file:
        for line in file:
            _, _, ref = line.decode(errors="replace").strip().partition(f" {TAGS}")
            if ref:
                found.append(ref)
            elif not line.strip():
                return sorted(found, key=Version)
    raise FastoffloadError(f"{BUNDLE} is no bundle; install fastoffload again")


def unpacked() -> Repository:
    """The releases as a repository in the user's cache. Any number of processes may ask at once."""
    folder = cache_folder() / f"releases-{_digest()}.git"
    if not folder.exists():
        publish(folder, _unpack)
    return Repository(folder)


def cache_folder() -> Path:
    """Where this user's caches of fastoffload are."""
    from platformdirs import user_cache_path

    return user_cache_path("fastoffload", appauthor=False)


def publish(folder: Path, fill: Callable[[Path], None]) -> None:
    """Makes a folder in the cache, whole or not at all; who comes second takes the first's."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise FastoffloadError(
            f"{folder.parent} cannot be written ({error.strerror}); "
            "set XDG_CACHE_HOME to a folder that can"
        ) from error
    try:
        fill(staging)
        staging.rename(folder)
    except OSError:
        if not folder.exists():
            raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _unpack(folder: Path) -> None:
    repository = Repository.init(folder)
    repository.git("fetch", "--quiet", str(BUNDLE), f"+{TAGS}*:{TAGS}*")


def _digest() -> str:
    with _opened() as file:
        return hashlib.sha256(file.read()).hexdigest()[:16]


def _opened() -> BinaryIO:
    try:
        return BUNDLE.open("rb")
    except OSError as error:
        raise FastoffloadError(f"{BUNDLE} cannot be read; install fastoffload again") from error

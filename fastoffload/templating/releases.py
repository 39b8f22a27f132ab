"""The template releases: where they are found, and which there are.

They are recorded in a git bundle that comes with the package. In a checkout the templates may
differ from what was recorded: then a development release is on top.
"""

import hashlib
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache, partial
from pathlib import Path
from typing import BinaryIO

from fastoffload.errors import FastoffloadError
from fastoffload.git.repository import FROM_OURS, Repository

PACKAGE = Path(__file__).parent.parent
BUNDLE = PACKAGE / "releases.bundle"
CHANGELOG = "CHANGELOG.md"
HEADING = re.compile(r"^## +(\S+).*$", re.MULTILINE)
TAGS = "refs/tags/"
HASH_LENGTH = 8  # enough to tell a developer's states of the templates apart


def templates_dir() -> Path:
    """The template's root: inside the package in a wheel, beside it in a checkout."""
    for folder in (PACKAGE / "templates", PACKAGE.parent / "templates"):
        if (folder / "copier.yml").is_file():
            return folder
    raise FastoffloadError(f"{PACKAGE} has no templates; install fastoffload again")


@cache
def versions() -> tuple[str, ...]:
    """All releases, the oldest first; the last is that of the templates at hand."""
    return tuple(_in_checkout()[1] if _may_differ() else recorded_versions())


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


def notes(wanted: list[str]) -> dict[str, str]:
    """What a user has to know of releases, as the changelog has it; for those that are in it."""
    if not wanted:
        return {}
    with templates(wanted[-1]) as folder:
        file = folder / CHANGELOG
        text = file.read_text(encoding="utf-8") if file.exists() else ""
    _, *parts = HEADING.split(text)
    found = {version: note.strip() for version, note in zip(parts[::2], parts[1::2], strict=True)}
    return {version: found[version] for version in wanted if found.get(version)}


@contextmanager
def templates(version: str) -> Iterator[Path]:
    """A folder with the templates of a release."""
    check_known(version)
    if version == newest():
        yield templates_dir()
        return
    with tempfile.TemporaryDirectory(prefix="fastoffload-") as folder:
        repository().write_to(Path(folder), f"{TAGS}{version}")
        yield Path(folder)


def holds(version: str, path: str) -> bool:
    """Whether projects of a release have that file or folder."""
    name = f"{TAGS}{version}:project/{path.removesuffix('/')}"
    return repository().git("cat-file", "-e", name, allowed=(0, 1, 128)).returncode == 0


def repository() -> Repository:
    """The releases as a git repository."""
    return _in_checkout()[0] if _may_differ() else recorded()


def recorded_versions() -> list[str]:
    """The recorded releases, oldest first, as the bundle's header has them; needs no git."""
    from packaging.version import Version

    found = []
    with _bundle() as file:
        for line in file:
            _, _, ref = line.decode(errors="replace").strip().partition(f" {TAGS}")
            if ref:
                found.append(ref)
            elif not line.strip():
                return sorted(found, key=Version)
    raise FastoffloadError(f"{BUNDLE} is no bundle; install fastoffload again")


def recorded() -> Repository:
    """The bundle as a repository in the user's cache. Any number of processes may ask at once."""
    return _cached(f"releases-{digest()}.git", _unpack)


def digest() -> str:
    """What tells the recorded releases from those of another fastoffload."""
    with _bundle() as file:
        return hashlib.sha256(file.read()).hexdigest()[:16]


def add_commit(repository: Repository, tree: str, version: str, parent: str | None) -> None:
    """Adds a release: a commit, the same for the same templates and history, and its tag."""
    parents = ["-p", f"{TAGS}{parent}^{{commit}}"] if parent else []
    commit = repository.text("commit-tree", tree, "-m", f"Templates {version}", *parents)
    repository.git("update-ref", f"{TAGS}{version}", commit)


def tree_of_release(repository: Repository, version: str) -> str:
    """The tree of a release's templates."""
    return repository.text("rev-parse", f"{TAGS}{version}^{{tree}}")


def _may_differ() -> bool:
    """In a checkout somebody may have changed them. Without git nobody can tell, or has."""
    return templates_dir().parent != PACKAGE and shutil.which("git") is not None


@cache
def _in_checkout() -> tuple[Repository, list[str]]:
    """The releases of a checkout, and their versions.

    A development release is named for its content, so that it is never taken for that of another
    machine.
    """
    plain, versions = recorded(), recorded_versions()
    name = plain.folder.name.replace("releases", "development")
    repository = _cached(name, partial(_copy, plain.folder))
    tree = repository.tree_of(templates_dir())
    if versions and tree == tree_of_release(repository, versions[-1]):
        return plain, versions
    versions += _development_versions(repository)
    if not versions or tree != tree_of_release(repository, versions[-1]):
        versions.append(_add_development(repository, tree, versions))
    return repository, versions


def _development_versions(repository: Repository) -> list[str]:
    from packaging.version import Version

    return sorted(repository.text("tag", "--list", "*.post*").split(), key=Version)


def _add_development(repository: Repository, tree: str, versions: list[str]) -> str:
    base, _, number = (versions[-1] if versions else "0").partition(".post")
    following = int(number.partition("+")[0] or 0) + 1
    version = f"{base}.post{following}+{tree[:HASH_LENGTH]}"
    add_commit(repository, tree, version, versions[-1] if versions else None)
    return version


def cache_folder() -> Path:
    """Where ours is among the user's caches. Raises FastoffloadError for one without a home."""
    from platformdirs import user_cache_path

    with suppress(RuntimeError):  # of an older platformdirs the path begins with a tilde
        folder = user_cache_path("fastoffload", appauthor=False)
        if folder.is_absolute():
            return folder
    raise FastoffloadError("there is no home for a cache; set XDG_CACHE_HOME to a folder")


def _cached(name: str, fill: Callable[[Path], None]) -> Repository:
    """A repository in the cache, filled if it is not there yet."""
    folder = cache_folder() / name
    if not folder.exists():
        _publish(folder, fill)
    return Repository(folder)


def _publish(folder: Path, fill: Callable[[Path], None]) -> None:
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
    repository.git("fetch", "--quiet", str(BUNDLE), f"+{TAGS}*:{TAGS}*", env=FROM_OURS)


def _copy(source: Path, target: Path) -> None:
    shutil.copytree(source, target, dirs_exist_ok=True)


def _bundle() -> BinaryIO:
    try:
        return BUNDLE.open("rb")
    except OSError as error:
        raise FastoffloadError(f"{BUNDLE} cannot be read; install fastoffload again") from error

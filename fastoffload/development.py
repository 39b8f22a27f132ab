"""The release of a checkout whose templates differ from what was recorded."""

import shutil
from functools import partial
from pathlib import Path

from fastoffload import bundle
from fastoffload.plumbing import Repository

HASH_LENGTH = 8  # enough to tell a developer's states of the templates apart


def releases(templates: Path) -> tuple[Repository, list[str]]:
    """Where a checkout's releases are, and their versions, the oldest first.

    When the templates differ from the newest release, a development release is on top. It is
    named for its content, so that it is never taken for that of another machine.
    """
    recorded, versions = bundle.unpacked(), bundle.versions()
    repository = _beside(recorded)
    tree = repository.tree_of(templates)
    if versions and tree == _tree(repository, versions[-1]):
        return recorded, versions
    versions += _development(repository)
    if not versions or tree != _tree(repository, versions[-1]):
        versions.append(_add(repository, tree, versions))
    return repository, versions


def add_commit(repository: Repository, tree: str, version: str, parent: str | None) -> None:
    """Adds a release: a commit, the same for the same templates and history, and its tag."""
    parents = ["-p", f"refs/tags/{parent}^{{commit}}"] if parent else []
    commit = repository.text("commit-tree", tree, "-m", f"Templates {version}", *parents)
    repository.git("update-ref", f"refs/tags/{version}", commit)


def _beside(recorded: Repository) -> Repository:
    folder = recorded.folder.with_name(recorded.folder.name.replace("releases", "development"))
    if not folder.exists():
        bundle.publish(folder, partial(_copy, recorded.folder))
    return Repository(folder)


def _copy(source: Path, target: Path) -> None:
    shutil.copytree(source, target, dirs_exist_ok=True)


def _development(repository: Repository) -> list[str]:
    from packaging.version import Version

    tags = repository.text("tag", "--list", "*.post*").split()
    return sorted(tags, key=Version)


def _add(repository: Repository, tree: str, versions: list[str]) -> str:
    base, _, number = (versions[-1] if versions else "0").partition(".post")
    following = int(number.partition("+")[0] or 0) + 1
    version = f"{base}.post{following}+{tree[:HASH_LENGTH]}"
    add_commit(repository, tree, version, versions[-1] if versions else None)
    return version


def _tree(repository: Repository, version: str) -> str:
    return repository.text("rev-parse", f"refs/tags/{version}^{{tree}}")

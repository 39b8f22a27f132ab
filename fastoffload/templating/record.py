"""`python -m fastoffload.templating.record`: records the templates as this version's release."""

import argparse
import sys
import tempfile
import tomllib
from pathlib import Path

from fastoffload.errors import FastoffloadError
from fastoffload.git.repository import Repository
from fastoffload.templating.releases import (
    BUNDLE,
    PACKAGE,
    TAGS,
    add_commit,
    recorded_versions,
    templates_dir,
    tree_of_release,
)

PYPROJECT = PACKAGE.parent / "pyproject.toml"


def record(*, replace: bool) -> str:
    """Appends a commit and a tag to the bundle; returns one line on what was done."""
    version = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]["version"]
    with tempfile.TemporaryDirectory() as folder:
        repository = _repository(Path(folder))
        versions = recorded_versions() if BUNDLE.exists() else []
        tree = repository.tree_of(templates_dir())
        if version in versions and tree == tree_of_release(repository, version):
            return f"{version} is recorded already"
        earlier = _earlier(versions, version, replace=replace)
        add_commit(repository, tree, version, earlier)
        _write(repository)
    return f"Recorded {version}"


def _repository(folder: Path) -> Repository:
    repository = Repository.init(folder / "releases.git")
    if BUNDLE.exists():
        repository.git("fetch", "--quiet", str(BUNDLE), f"{TAGS}*:{TAGS}*")
    return repository


def _earlier(versions: list[str], version: str, *, replace: bool) -> str | None:
    """The release before this one, or None for the first."""
    from packaging.version import Version

    if versions and Version(versions[-1]) > Version(version):
        raise FastoffloadError(f"{versions[-1]} is recorded, and {version} is older; raise it")
    if version not in versions:
        return versions[-1] if versions else None
    if not replace:
        raise FastoffloadError(
            f"{version} is recorded with other templates; raise the version in {PYPROJECT.name},"
            " or use --replace while nobody has it"
        )
    return versions[-2] if len(versions) > 1 else None


def _write(repository: Repository) -> None:
    beside = BUNDLE.with_suffix(".new")
    repository.git("bundle", "create", "--quiet", str(beside), "--tags")
    beside.replace(BUNDLE)


def main() -> None:
    """Parses and delegates."""
    parser = argparse.ArgumentParser(
        prog="python -m fastoffload.templating.record", description=__doc__
    )
    parser.add_argument(
        "--replace", action="store_true", help="record this version anew while nobody has it"
    )
    try:
        print(record(replace=parser.parse_args().replace))  # noqa: T201
    except FastoffloadError as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main()

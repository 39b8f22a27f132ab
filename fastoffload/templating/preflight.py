"""Everything that can be known to stand in the way before the first write."""

import os
import shutil
from pathlib import Path

from fastoffload.errors import FastoffloadError
from fastoffload.git.call import check_git
from fastoffload.git.new_repository import has_files
from fastoffload.system.uv import uv_program
from fastoffload.templating.options import NewOptions

GIT = ".git"
MEGABYTE = 1_000_000
PROJECT_MEGABYTES = 50  # 1 MB of files, and room for the first data
INSTALLED_MEGABYTES = 500  # 220 MB of .venv, as much again in uv's cache on a first run


def check(options: NewOptions) -> None:
    """Raises FastoffloadError for the first thing that stands in the way."""
    _check_target(options.path)
    _check_space(options)
    if options.git:
        check_git("install git, or leave it out by --no-git")
        _check_no_history(options.path)
    if options.install:
        uv_program()


def _check_target(path: Path) -> None:
    ground = _nearest_existing(path)
    if not ground.is_dir():
        raise FastoffloadError(f"{ground} is a file; give a path that does not exist yet")
    if not os.access(ground, os.R_OK | os.W_OK | os.X_OK):
        raise FastoffloadError(f"no permission to write in {ground}; choose another path")
    held = [entry.name for entry in ground.iterdir()] if ground == path else []
    if held and held != [GIT]:
        found = min(name for name in held if name != GIT)
        raise FastoffloadError(
            f"{path} is not empty (it holds {found}); give a new or an empty folder"
        )


def _check_no_history(path: Path) -> None:
    """A clone of an empty repository is an empty folder; one whose files are gone is not."""
    if (path / GIT).exists() and has_files(path):
        raise FastoffloadError(
            f"{path} is a repository whose last commit has files; give a new folder, or --no-git"
        )


def _check_space(options: NewOptions) -> None:
    needed = INSTALLED_MEGABYTES if options.install else PROJECT_MEGABYTES
    ground = _nearest_existing(options.path)
    free = shutil.disk_usage(ground).free // MEGABYTE
    if free < needed:
        remedy = "free some, or use --no-install" if options.install else "free some"
        raise FastoffloadError(f"{free} MB free in {ground}, {needed} MB needed; {remedy}")


def _nearest_existing(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.exists())

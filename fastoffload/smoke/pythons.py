"""The Pythons asked for, found or fetched before anything starts."""

import os
from collections.abc import Collection
from pathlib import Path

from fastoffload.errors import FastoffloadError
from fastoffload.install import FOREIGN_PROJECT
from fastoffload.processes import run


def check_pythons(versions: Collection[str]) -> None:
    """Raises FastoffloadError for a version that is not here and cannot be downloaded."""
    for version in sorted(versions):
        if not (_uv("find", version) or _uv("install", version)):
            raise FastoffloadError(
                f"there is no Python {version}, and uv cannot download it; install it so that"
                f" `uv python find {version}` does, or leave it out of --python"
            )


def _uv(*arguments: str) -> bool:
    from uv import find_uv_bin

    env = {key: value for key, value in os.environ.items() if key not in FOREIGN_PROJECT}
    code, _ = run([find_uv_bin(), "python", *arguments], Path.cwd(), env)
    return code == 0

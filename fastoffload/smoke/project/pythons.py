"""The Pythons asked for, found or fetched before anything starts."""

from collections.abc import Collection
from pathlib import Path

from fastoffload.errors import FastoffloadError
from fastoffload.system.uv import run_uv


def check_pythons(versions: Collection[str]) -> None:
    """Raises FastoffloadError for a version that is not here and cannot be downloaded."""
    for version in sorted(versions):
        if not (_uv("find", version) or _uv("install", version)):
            raise FastoffloadError(
                f"there is no Python {version}, and uv cannot download it; install it so that"
                f" `uv python find {version}` does, or leave it out of --python"
            )


def _uv(*arguments: str) -> bool:
    code, _ = run_uv(Path.cwd(), "python", *arguments)
    return code == 0

"""Folders that are gone afterwards, whatever happens meanwhile."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fastoffload.system.processes import held


@contextmanager
def private_folder() -> Iterator[Path]:
    """An empty folder."""
    folder = Path(tempfile.mkdtemp(prefix="offload-"))
    try:
        yield folder
    finally:
        with held():
            shutil.rmtree(folder, ignore_errors=True)

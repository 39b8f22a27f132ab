"""Environments of generated projects: those with the same requirements share one."""

import asyncio
import hashlib
import shutil
from collections import defaultdict
from collections.abc import Awaitable, Callable
from pathlib import Path

Install = Callable[[Path], Awaitable[None]]
"""Makes the environment of a project in a folder; raises when it cannot."""


class Environments:
    """Makes each environment once; every project finds its own as `.venv`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._locks: defaultdict[Path, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def give(self, project: Path, python: str, install: Install) -> bool:
        """Installs a project, or lends it what one like it has installed: then True."""
        requirements = (project / "pyproject.toml").read_bytes()
        key = hashlib.sha256(python.encode() + requirements).hexdigest()[:12]
        made = self._root / f"environment-{key}"
        (project / ".venv").symlink_to(made)
        async with self._locks[made]:
            lent = (made / "uv.lock").exists()
            if lent:
                shutil.copy(made / "uv.lock", project)
            else:
                await install(made)
                shutil.copy(project / "uv.lock", made)
        return lent

"""The files of a run: what was uploaded with its job, and what it keeps, in the store."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from ..files import store
from ..files.stored import StoredFile


class StoredFiles:
    """Reads a job's inputs from the store, and keeps artifacts under keys of this run's own."""

    def __init__(self, job_id: UUID, token: str, inputs: Mapping[str, Sequence[Any]]) -> None:
        self._prefix = f"{job_id}/out/{token}"
        self._inputs = inputs
        self._fetched: dict[str, list[Path]] = {}
        self.kept: dict[str, StoredFile] = {}

    def fetch(self, name: str, folder: Callable[[], Path]) -> list[Path]:
        """The files of an input: in the folder of a local store, else copied into the run's own."""
        if name not in self._fetched:
            files = [StoredFile.from_dict(value) for value in self._inputs.get(name, ())]
            self._fetched[name] = [self._path_of(file, folder) for file in files]
        return self._fetched[name]

    def keep(self, name: str, content: Path | bytes, media_type: str) -> None:
        """Store an artifact. Raises ValueError when the name is taken, StoreAway."""
        if name in self.kept:
            raise ValueError(f"there is an artifact {name!r} already")
        key = f"{self._prefix}/{len(self.kept)}"
        self.kept[name] = store.put_file(key, content, media_type, name)

    def rows(self) -> list[dict[str, Any]]:
        """What is kept, as rows of the artifacts' table."""
        return [
            {
                "name": name,
                "key": file.key,
                "media_type": file.media_type,
                "size": file.size,
                "digest": file.digest,
            }
            for name, file in self.kept.items()
        ]

    def discard(self) -> None:
        """Delete what is kept: the run has come to nothing. Raises StoreAway."""
        if self.kept:
            store.delete_prefix(self._prefix)
            self.kept.clear()

    @staticmethod
    def _path_of(file: StoredFile, folder: Callable[[], Path]) -> Path:
        if path := store.open_local(file.key):
            return path
        target = folder() / f"input-{len(list(folder().iterdir()))}"
        store.download(file.key, target)
        return target

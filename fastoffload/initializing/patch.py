"""The patch that says what `init` wrote into files of the application's, and the way back by it."""

from pathlib import Path

from fastoffload.git import patches
from fastoffload.initializing.starting import compose

PATCH = ".offload-init.patch"


def taken_out(root: Path) -> tuple[dict[str, bytes], list[str]]:
    """The application's own files without our lines; and those where that is not to be done."""
    patch = root / PATCH
    before: dict[str, bytes] = {}
    unfit: list[str] = []
    parts = patches.by_file(patch.read_bytes()) if patch.is_file() else {}
    for name, one in parts.items():
        content = (root / name).read_bytes() if (root / name).is_file() else b""
        found = patches.reverse(one, {name: content})
        if found is None or not _is_whole(name, content, found[name]):
            unfit.append(name)
        else:
            before |= found
    return before, unfit


def _is_whole(name: str, now: bytes, before: bytes) -> bool:
    """Whether nothing of the user's, written into our service, is left to the one above it."""
    return name not in compose.NAMES or compose.only_services_went(now, before)

"""The patch that says what `init` wrote into files of the application's, and the way back by it."""

from pathlib import Path

from fastoffload.git import patches

PATCH = ".offload-init.patch"


def taken_out(root: Path) -> tuple[dict[str, bytes], list[str]]:
    """The application's own files without our lines; and those where that is not to be done."""
    patch = root / PATCH
    before: dict[str, bytes] = {}
    unfit: list[str] = []
    parts = patches.by_file(patch.read_bytes()) if patch.is_file() else {}
    for name, one in parts.items():
        content = (root / name).read_bytes() if (root / name).is_file() else b""
        if (found := patches.reverse(one, {name: content})) is None:
            unfit.append(name)
        else:
            before |= found
    return before, unfit

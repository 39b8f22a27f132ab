"""What git was told not to look at."""

from collections.abc import Iterable
from pathlib import Path

from fastoffload.git.call import call

# The second where none of them is, the third where no repository is.
ANSWERS = (0, 1, 128)


def ignored(root: Path, files: Iterable[Path]) -> list[Path]:
    """Those of the files that a commit of everything would leave out."""
    names = b"\0".join(bytes(file.relative_to(root)) for file in files)
    before = ["-C", str(root)]
    done = call("check-ignore", "-z", "--stdin", before=before, stdin=names, allowed=ANSWERS)
    return [root / name.decode() for name in done.stdout.split(b"\0") if name]

"""`git-remote-fastoffload`: lets git, and so plain Copier, read the releases as a remote.

Git runs it for addresses that begin with `fastoffload::` (gitremote-helpers).
"""

import os
import sys
from typing import NoReturn

from fastoffload.errors import FastoffloadError


def main() -> NoReturn:
    """Answers git's questions; when it asks to fetch, git's own server takes our place."""
    while line := _line():
        if line == "capabilities":
            _say("connect\n\n")
        elif line == "connect git-upload-pack":
            _serve()
        else:
            sys.exit(
                f"git-remote-fastoffload: {line!r} is not supported; the releases are read only"
            )
    sys.exit(0)


def _serve() -> NoReturn:
    from fastoffload.git.call import NEUTRAL, leave_foreign_repository, settings
    from fastoffload.templating.releases import repository

    leave_foreign_repository()  # git has told us of the clone that it makes
    try:
        folder = repository().folder
    except FastoffloadError as error:
        sys.exit(f"git-remote-fastoffload: {error}")
    _say("\n")
    os.execvp("git", ["git", *settings(NEUTRAL), "upload-pack", str(folder)])


def _line() -> str:
    """One line, and not a byte more: what follows is for git's server."""
    read = bytearray()
    while (byte := os.read(0, 1)) not in (b"", b"\n"):
        read += byte
    return read.decode(errors="replace")


def _say(text: str) -> None:
    os.write(1, text.encode())

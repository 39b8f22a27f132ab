"""Errors that a user can mend. `cli.main` turns each into one line and an exit code."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


class FastoffloadError(Exception):
    """An expected error; its message names the thing and the remedy."""

    exit_code = 1


class UsageError(FastoffloadError):
    """The command was called in a way that cannot work."""

    exit_code = 2


def unknown(what: str, given: str, known: Iterable[str], takes: str) -> UsageError:
    """The error for a choice that there is not: what there is, and what was probably meant."""
    from difflib import get_close_matches

    choices = list(known)
    near = get_close_matches(given.lower(), choices, n=1)
    meant = f"; did you mean '{near[0]}'?" if near else ""
    return UsageError(f"unknown {what} '{given}'; {takes}: {', '.join(choices)}{meant}")


@contextmanager
def os_errors_expected() -> Iterator[None]:
    """Turns what the file system refuses into an expected error."""
    try:
        yield
    except OSError as error:
        subject = f"{error.filename}: " if error.filename else ""
        raise FastoffloadError(
            f"{subject}{error.strerror or error}; choose another path, or mend it and try again"
        ) from error


def check_writable(file: Path) -> None:
    """Raises FastoffloadError now when a file could not be written after long work."""
    ground = file if file.exists() else file.absolute().parent
    if file.is_dir() or not ground.exists() or not os.access(ground, os.W_OK):
        raise FastoffloadError(f"{file} cannot be written; give a file in a folder of yours")

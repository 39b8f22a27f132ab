"""Errors that a user can mend. `cli.main` turns each into one line and an exit code."""

from collections.abc import Iterator
from contextlib import contextmanager


class FastoffloadError(Exception):
    """An expected error; its message names the thing and the remedy."""

    exit_code = 1


class UsageError(FastoffloadError):
    """The command was called in a way that cannot work."""

    exit_code = 2


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

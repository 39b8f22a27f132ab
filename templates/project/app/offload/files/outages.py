"""Which of a store's errors pass by themselves."""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

from obstore.exceptions import GenericError

from ..errors import TransientError


class StoreAway(TransientError):
    """The store is away, refuses us for now, is full or read-only: later it may work."""


# A folder's: by errno, since disk full and read-only pass, but a folder that is not ours does not.
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG}
_LASTING = {
    errno.EPERM,
    errno.ENOENT,
    errno.EACCES,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.EINVAL,
    errno.ENAMETOOLONG,
    errno.ELOOP,
}
# An object store's: obstore has classes for credentials and names, and GenericError for the rest.
# S3 says 400 also for a connection that was too slow and for credentials that are being renewed.
_REFUSED = re.compile(r"status code: 4(?!08|25|29)\d\d|redirect without LOCATION")
_REFUSED_FOR_NOW = re.compile(r"RequestTimeout|ExpiredToken|SlowDown")
_OS_ERROR = re.compile(r"\(os error (\d+)\)")


def is_full(error: BaseException) -> bool:
    """Whether a disk is full, or read-only for now: what the work itself may meet in its folder."""
    if not isinstance(error, OSError):
        return False
    # What `tempfile` says when no folder takes the few bytes that it tries them with.
    return error.errno in _FULL or "No usable temporary directory" in str(error)


@contextmanager
def outages() -> Iterator[None]:
    """Raises StoreAway for errors of the store that pass; all others stay what they are."""
    try:
        yield
    except (GenericError, OSError) as error:
        if not _passes(error):
            raise
        number = _number(error)
        reason = os.strerror(number) if number else "it does not answer"  # names no path
        raise StoreAway(f"The store gives and takes no files now: {reason}") from error


def _passes(error: GenericError | OSError) -> bool:
    number = _number(error)
    if isinstance(error, OSError):
        return number in _FULL
    if number is not None:
        return number not in _LASTING
    text = str(error)
    return not _REFUSED.search(text) or bool(_REFUSED_FOR_NOW.search(text))


def _number(error: GenericError | OSError) -> int | None:
    if isinstance(error, OSError) and error.errno:
        return error.errno
    found = _OS_ERROR.search(str(error))
    return int(found[1]) if found else None

"""Names of kinds of jobs: each is a folder, a function, a part of a class's name and of a path."""

import builtins
import itertools
import keyword
import re
import sys
import unicodedata
from collections.abc import Iterator

MOST = 40  # characters: up to so many every recipe is formatted the same
VALID = re.compile(r"[a-z][a-z0-9_]*")
RULE = "a small letter, then small letters, digits and '_'"
QUEUE = re.compile(r"[a-z][a-z0-9_-]{0,49}")
SUFFIX = "_job"


def fault_of(name: str) -> str | None:
    """Why nothing can be called so, in one clause; None where it can."""
    if not VALID.fullmatch(name):
        return f"is no name of a kind of job ({RULE})"
    if len(name) > MOST:
        return f"has {len(name)} characters, {MOST} are the most"
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        return "is a keyword of Python"
    if name in sys.stdlib_module_names:
        return "is a module of the standard library"
    if name in vars(builtins):
        return "is one of Python's own functions"
    if name == "l":
        return "looks like a 1, and linters refuse it"
    return None


def like(name: str) -> str:
    """A valid name near to one that is not: `my_app` for `My app`, `email_job` for `email`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9_]+", "_", plain).lower()
    made = _shortened(re.sub(r"^[^a-z]+|_+$", "", words))
    if made and fault_of(made) is None:
        return made
    return next(others(made)) if made else SUFFIX.removeprefix("_")


def others(name: str) -> Iterator[str]:
    """Valid names near to one that is taken."""
    for suffix in itertools.chain([SUFFIX], (f"_{number}" for number in itertools.count(2))):
        yield _shortened(name, MOST - len(suffix)) + suffix


def class_name(name: str) -> str:
    """`ContactSheet` for `contact_sheet`."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def _shortened(name: str, most: int = MOST) -> str:
    """Cut after a whole word, where there is one."""
    if len(name) <= most:
        return name
    cut = name[: most + 1].rpartition("_")[0] or name[:most]
    return cut.rstrip("_")

"""One reading of `.env`.

This package, honcho, Docker Compose and a shell each read such a file in their own way: in
`KEY=s3cret#1` some of them see a comment. So only what all of them read alike is accepted.
"""

import re
from collections.abc import Collection
from pathlib import Path

NAME = r"(?:export\s+)?[A-Za-z_][A-Za-z0-9_]*"
PLAIN = r"[^\s#'\"\\$`]*"
QUOTED = r"'[^'\\$]*'|\"[^\"\\$`]*\""
LINE = re.compile(rf"\s*(?:#.*|{NAME}=(?:{PLAIN}|{QUOTED})\s*)?")
# The others keep such a comment, or parts of it.
COMMENTED = re.compile(rf"\s*{NAME}=(?:{PLAIN}|{QUOTED})\s+#.*")


class AmbiguousLine(ValueError):
    """A line of `.env` that programs read in different ways; the message says how to write it."""


def refuse_ambiguous(path: Path, names: Collection[str]) -> None:
    """Raises AmbiguousLine for a line of these names, with its number and never its value.

    What others read from the file is their own business.
    """
    if not path.is_file():
        return
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        name = line.partition("=")[0].strip()
        if name.removeprefix("export ").strip().upper() in names and not LINE.fullmatch(line):
            raise AmbiguousLine(f"{path}, line {number} ({name}): {_remedy(line)}")


def _remedy(line: str) -> str:
    if not re.match(rf"\s*{NAME}=", line):
        return "is no NAME=value, without blanks around the ="
    if COMMENTED.fullmatch(line):
        return "put the comment on a line of its own"
    if re.search(r"[$\\`]|'.*\"|\".*'", line.partition("=")[2].strip()[1:-1] or "$"):
        return (
            "programs read a $, a backslash or mixed quotes in different ways;"
            " set this one in the environment instead"
        )
    return "put the value in 'quotes', as it holds a blank, a # or a quote"

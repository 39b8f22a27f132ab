"""`.env` is read alike by everybody, or refused with the number of the line."""

import subprocess
from pathlib import Path

import pytest
from dotenv import dotenv_values
from honcho.environ import parse

from app.offload.env_file import AmbiguousLine, refuse_ambiguous

ALIKE = [
    "KEY=value",
    "KEY=",
    "KEY='my reports'",
    "KEY='s3cret#of-the-team'",
    'KEY="it\'s"',
    "KEY=postgresql+psycopg://me:word@host:5432/name?sslmode=require&x=%2F",
    "KEY=10.1.0.0/16,192.168.7.5",
    "KEY=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw==",
    "# a comment",
    "",
]
REFUSED = [
    ("KEY=s3cret#of-the-team", "put the value in 'quotes'"),
    ("KEY=my reports", "put the value in 'quotes'"),
    ("KEY=it's", "put the value in 'quotes'"),
    ("KEY=value # why", "put the comment on a line of its own"),
    ("KEY='value' # why", "put the comment on a line of its own"),
    ("KEY = value", "without blanks around the ="),
    ("KEY", "without blanks around the ="),
    ("KEY=p$word", "set this one in the environment"),
    ("KEY='p$word'", "set this one in the environment"),
    ("KEY='p${HOME}'", "set this one in the environment"),
    (r"KEY=C:\temp", "set this one in the environment"),
    (r'KEY="a\nb"', "set this one in the environment"),
]


@pytest.mark.parametrize("line", ALIKE)
def test_what_is_accepted_is_read_alike(line: str, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text(f"{line}\n")
    refuse_ambiguous(file, {"KEY", "GOOD"})
    value = dotenv_values(file).get("KEY")
    assert (parse(file.read_text()).get("KEY") or "") == (value or "")
    shell = subprocess.run(
        ["/bin/sh", "-c", '. "$0"; printf %s "$KEY"', file], capture_output=True, text=True
    )
    if "&" not in line:  # which ends a command, and a URL may hold it
        assert shell.stdout == (value or "")


@pytest.mark.parametrize(("line", "remedy"), REFUSED)
def test_what_is_not_is_refused_with_its_line_and_without_its_value(
    line: str, remedy: str, tmp_path: Path
) -> None:
    file = tmp_path / ".env"
    file.write_text(f"# first\nGOOD=1\n{line}\n")
    with pytest.raises(AmbiguousLine, match=remedy) as refused:
        refuse_ambiguous(file, {"KEY", "GOOD"})
    assert "line 3 (KEY)" in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_no_file_is_fine(tmp_path: Path) -> None:
    refuse_ambiguous(tmp_path / ".env", {"KEY"})


def test_what_others_read_is_their_own_business(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("THEIRS=a b#c  # why\nexport OTHER='\nKEY=1\n")
    refuse_ambiguous(file, {"KEY"})
    with pytest.raises(AmbiguousLine, match=r"line 1 \(THEIRS\)"):
        refuse_ambiguous(file, {"KEY", "THEIRS"})

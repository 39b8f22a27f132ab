"""Small applications to read."""

from collections.abc import Callable
from pathlib import Path

import pytest

from fastoffload.doctor.reading.read import read
from fastoffload.doctor.report import Reading

Read = Callable[..., Reading]


@pytest.fixture
def application(tmp_path: Path) -> Read:
    """Writes files, named as keyword arguments or by a dictionary, and reads them."""

    def write_and_read(main: str, files: dict[str, str] | None = None) -> Reading:
        for name, text in {"main.py": main, **(files or {})}.items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return read(tmp_path)

    return write_and_read

from pathlib import Path

import pytest

from fastoffload.templating.names import dependency_names, is_valid, normalized


@pytest.mark.parametrize("name", ["a", "demo", "My.Project_2-x", "0", "a--b"])
def test_names_that_packaging_accepts(name: str) -> None:
    assert is_valid(name)


@pytest.mark.parametrize(
    "name", ["", "-a", "a-", ".a", "a b", "a/b", "zażółć", "a\n", "\u212a", "{{ x }}"]
)
def test_names_that_packaging_refuses(name: str) -> None:
    assert not is_valid(name)


def test_names_are_compared_as_packaging_does() -> None:
    assert normalized("My._-Project") == normalized("my-project") == "my-project"


def test_dependencies_of_every_group_are_found(tmp_path: Path) -> None:
    pyproject = tmp_path / "pyproject.toml"
    pyproject.write_text("""
        [project]
        dependencies = ["SQLAlchemy[asyncio]>=2", "fpdf2"]
        [dependency-groups]
        dev = ["types_psutil<8", {include-group = "lint"}]
        lint = ["ruff; python_version > '3'"]
    """)
    assert dependency_names(pyproject) == {"sqlalchemy", "fpdf2", "types-psutil", "ruff"}

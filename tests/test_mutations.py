"""The table of mutations, without running them: what it names is there."""

from pathlib import Path

import pytest
from conftest import VARIANTS, Cli
from mutations import DOCS, LIMIT, MUTATIONS, Mutation, document, edit


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.defence)
def test_its_texts_and_its_test_are_there(mutation: Mutation, tmp_path: Path, cli: Cli) -> None:
    made = cli("new", "demo", *VARIANTS[mutation.variant], "--no-install", "--no-git")
    assert made.returncode == 0, made.stderr
    edit(tmp_path / "demo", [LIMIT, *mutation.edits])
    file, *names = mutation.test.partition("[")[0].split("::")
    tests = (tmp_path / "demo" / file).read_text()
    for name in names:
        assert f"def {name}(" in tests or f"class {name}:" in tests


def test_the_docs_have_the_table() -> None:
    assert DOCS.read_text() == document(MUTATIONS)

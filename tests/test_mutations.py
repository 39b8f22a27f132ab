"""The table of mutations, without running them: what it names is there."""

from pathlib import Path

import pytest
from conftest import Rendered
from defences import MUTATIONS, Mutation
from mutations import DOCS, IN_VAIN, document, edit


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.defence)
def test_its_texts_and_its_test_are_there(
    mutation: Mutation, tmp_path: Path, rendered: Rendered
) -> None:
    project = rendered(mutation.variant)
    edits = [IN_VAIN, *mutation.edits]
    for file in {file for file, _, _ in edits}:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_bytes((project / file).read_bytes())
    edit(tmp_path, edits)
    file, *names = mutation.test.partition("[")[0].split("::")
    tests = (project / file).read_text()
    for name in names:
        assert f"def {name}(" in tests or f"class {name}:" in tests


def test_the_docs_have_the_table() -> None:
    assert DOCS.read_text() == document(MUTATIONS)

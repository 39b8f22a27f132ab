"""Whatever lines a user edits, an update loses none, and `--abort` restores every byte."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from workshop import contents, git

from fastoffload.catalog import Choice
from fastoffload.initializing.requirements import follow
from fastoffload.merging import resume
from fastoffload.merging.update import update
from fastoffload.templating.options import NewOptions
from fastoffload.templating.project import create
from update.conftest import CHANGED, FILES, LINES, REMOVED, old_lines, text


@pytest.fixture(scope="module")
def generated(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of the first release."""
    assert package.exists()
    folder = tmp_path_factory.mktemp("generated") / "demo"
    options = NewOptions.of(
        folder, name="demo", description=None, release="1.0.0", install=False, git=True
    )
    create(options, Choice.of("background", {}))
    return folder


# A user's edit: at a line of a file, delete so many lines and put so many of their own there.
EDITS = st.lists(
    st.tuples(
        st.sampled_from(FILES),
        st.integers(0, LINES),
        st.integers(0, 3),
        st.integers(0, 2),
    ),
    max_size=8,
)
DELETED = st.sets(st.sampled_from(FILES), max_size=2)
OWN = st.dictionaries(st.sampled_from(["own.bin", "folder/own.txt"]), st.binary(max_size=40))


def edit(project: Path, edits: list[tuple[str, int, int, int]]) -> None:
    for number, (name, at, deleted, added) in enumerate(edits):
        lines = (project / name).read_text().splitlines()
        lines[at : at + deleted] = [f"mine {number} {each}" for each in range(added)]
        (project / name).write_text(text(lines))


@settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(edits=EDITS, deleted=DELETED, own=OWN)
def test_no_line_of_the_users_is_lost(
    generated: Path,
    edits: list[tuple[str, int, int, int]],
    deleted: set[str],
    own: dict[str, bytes],
) -> None:
    with TemporaryDirectory() as folder:
        project = Path(folder) / "demo"
        shutil.copytree(generated, project)
        edit(project, edits)
        for name in deleted:
            (project / name).unlink()
        for name, content in own.items():
            (project / name).write_bytes(content)
        git(project, "add", "--all")
        git(project, "commit", "--quiet", "--allow-empty", "--message", "mine")
        before = contents(project)
        conflicts = set(update(project, None, follow, test=False).changes.conflict)
        after = contents(project)
        for name in FILES:
            check_file(name, before.get(name), after.get(name), conflict=name in conflicts)
        assert {name: after[name] for name in own} == own
        assert after.keys() == before.keys()
        if conflicts:
            resume.abort(project)
            assert contents(project) == before
            assert git(project, "status", "--porcelain", "--ignored") == ""


def check_file(name: str, before: bytes | None, after: bytes | None, *, conflict: bool) -> None:
    if before is None or after is None:
        assert before is after, name
        return
    mine, merged = before.decode().splitlines(), after.decode().splitlines()
    if name == "folder/same.txt":
        assert after == before
    elif conflict:
        assert is_within(mine, [line for line in merged if not line.startswith(("<<<", ">>>"))])
    else:
        # But for the lines that the release changed, the user's file as it was, in its order.
        assert [line for line in merged if not line.startswith("new ")] == without_replaced(
            name, mine
        )


def without_replaced(name: str, lines: list[str]) -> list[str]:
    old = old_lines(name)
    replaced = {old[number] for number in CHANGED | REMOVED}
    return [line for line in lines if line not in replaced]


def is_within(lines: list[str], others: list[str]) -> bool:
    """Whether the lines are among the others, in their order."""
    rest = iter(others)
    replaced = {f"{name} {number}" for name in FILES for number in CHANGED | REMOVED}
    return all(line in rest for line in lines if line not in replaced)

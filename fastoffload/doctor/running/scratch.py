"""A copy of a project that may be written to, and the surroundings in which it runs."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

LEFT_OUT = {
    ".git", ".hg", ".mypy_cache", ".nox", ".pytest_cache", ".ruff_cache", ".tox", "__pycache__",
    "node_modules",
}  # fmt: skip
LARGE = 64 * 2**20  # bytes: models and other data, which nobody writes to
SQLITE = b"SQLite format 3\0"
SERVER = re.compile(r"(postgres|mysql|mariadb|mssql|oracle|mongodb|redis|valkey|amqp)[\w+]*://")
# Of the Python that runs this, not of the project's.
FOREIGN = {"PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__"}
MARK = "FASTOFFLOAD_DOCTOR_RUN"


@contextmanager
def copied(root: Path, notes: list[str]) -> Iterator[Path]:
    """A copy of a project without environments and caches, removed afterwards.

    Adds to the notes what is linked and not copied.
    """
    with tempfile.TemporaryDirectory(
        prefix="fastoffload-doctor-", ignore_cleanup_errors=True
    ) as folder:
        # Not the folder itself: an application may write beside its own.
        copy = Path(folder).resolve() / root.name
        _copy(root, copy, notes)
        yield copy


def _copy(root: Path, copy: Path, notes: list[str]) -> None:
    def copy_file(source: str, target: str) -> None:
        if _is_large(Path(source)):
            notes.append(f"{Path(source).relative_to(root)} is linked, not copied: it is large")
            Path(target).symlink_to(Path(source).resolve())
        elif Path(source).is_file():  # no socket, no pipe
            shutil.copy2(source, target)

    def left_out(folder: str, names: list[str]) -> set[str]:
        environments = {name for name in names if Path(folder, name, "pyvenv.cfg").exists()}
        links = {name for name in names if _leads_elsewhere(Path(folder, name))}
        for name in links - environments:
            target = copy / Path(folder).relative_to(root) / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(Path(folder, name).resolve())
        return environments | links | LEFT_OUT.intersection(names)

    shutil.copytree(
        root,
        copy,
        ignore=left_out,
        copy_function=copy_file,
        ignore_dangling_symlinks=True,
        dirs_exist_ok=True,
    )


def _is_large(file: Path) -> bool:
    if not file.is_file() or file.stat().st_size < LARGE:
        return False
    with file.open("rb") as beginning:
        return beginning.read(len(SQLITE)) != SQLITE


def _leads_elsewhere(path: Path) -> bool:
    """A link to a folder, which may lead in a circle."""
    return path.is_symlink() and path.is_dir()


def environment(root: Path, copy: Path, mark: str) -> dict[str, str]:
    """This process's variables for one that runs in the copy."""
    variables = {
        name: value.replace(str(root), str(copy)) if value.startswith("sqlite") else value
        for name, value in os.environ.items()
        if name not in FOREIGN
    }
    return {**variables, "PYTHONUNBUFFERED": "1", MARK: mark}


def servers_named(variables: Mapping[str, str], root: Path) -> list[str]:
    """A line for each variable that names a server: what it holds is no copy."""
    named = {name for name, value in variables.items() if SERVER.match(value)}
    named |= {name for name, value in _dotenv(root / ".env") if SERVER.match(value)}
    return [f"{name} names a server: its data is not copied, but used" for name in sorted(named)]


def _dotenv(file: Path) -> Iterator[tuple[str, str]]:
    if file.is_file():
        for line in file.read_text(errors="replace").splitlines():
            name, is_set, value = line.removeprefix("export ").partition("=")
            if is_set:
                yield name.strip(), value.strip().strip("\"'")

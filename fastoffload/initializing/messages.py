"""What `init` says: what it found, what it would do, and what is left to do by hand."""

import shlex
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from fastoffload.file_changes import Change
from fastoffload.git.ignored import ignored
from fastoffload.initializing.found import Found
from fastoffload.initializing.plan import Plan
from fastoffload.requirements import locks
from fastoffload.requirements.managers import manager_of

Facts = Iterator[tuple[str, str]]


def facts(found: Found, *, own_database: bool) -> Facts:
    """What was found, label by label."""
    kind = "a factory" if found.application.is_factory else "at the top of its module"
    yield "application", f"{found.application.label(found.root)}, {kind}"
    yield (
        "package",
        f"{found.package or '.'} in {found.root}, imported as {found.dotted or 'modules'}",
    )
    yield "database", _database(found, own_database=own_database)
    for file in found.environments:
        yield "migrations", file.relative_to(found.root).as_posix()
    manager = manager_of(found.root)
    yield "packages", manager.name if manager else "a list of requirements"
    if found.broker:
        yield "broker", f"{found.broker} is named in its files"
    if found.guard:
        where = (
            found.guard.file.relative_to(found.root)
            if found.guard.file.is_relative_to(found.root)
            else found.guard.file
        )
        yield (
            "who calls",
            f"{found.guard.name} in {where}"
            + (
                ", as most of its routes have it: it guards the engine's too, and lets whom it lets"
                " in see all jobs"
                if found.guard.is_clear
                else " seems to know: guard the engine's routes by it"
            ),
        )


def _database(found: Found, *, own_database: bool) -> str:
    if own_database:
        return "one of the engine's own: DATABASE_URL; no transaction is shared"
    if found.engine is None:
        return (
            "no SQLAlchemy engine with a name was found: the engine keeps one of its own"
            " (DATABASE_URL), and shares no transaction with yours"
        )
    return f"{found.engine.name} in {found.engine.file.relative_to(found.root)}"


def summary(plan: Plan) -> Iterator[str]:
    """Which files would be written, the new ones by folder."""
    root = plan.found.root
    for file in plan.edited:
        about = f" ({'; '.join(_of_lock(plan.changes[file]))})" if file.suffix == ".lock" else ""
        yield f"  edit  {_shown(file, root)}{about}"
    folders = Counter(_folder(PurePosixPath(_shown(file, root))) for file in plan.added)
    for name, number in sorted(folders.items()):
        yield f"  add   {name}" if number == 1 else f"  add   {name} ({number} files)"


def _of_lock(change: Change) -> Iterator[str]:
    """What nobody sees among its thousands of lines."""
    before, after = change.before or b"", change.after or b""
    yield "shown by --diff"
    if locks.has_new_format(before, after):
        yield "in a newer format than before, so other lines change too"
    if raised := locks.raised(before, after):
        yield f"other versions: {', '.join(raised)}"


def steps(plan: Plan) -> Iterator[str]:
    """What is left, in order: commands, and lines of other files."""
    yield from plan.left
    for command in plan.install:
        yield f"`{command}` installs what the engine needs"
    yield from plan.worker
    root = plan.found.root
    if left_out := shlex.join(_left_out(plan)):
        yield f"`git add --force {left_out}`: git ignores them, and the engine needs them"
    is_kept = any((folder / ".git").exists() for folder in (root, *root.parents))
    commit = f"{'' if is_kept else 'git init && '}git add --all && git commit"
    yield f"`{commit}` it: `switch`, `update` and `status` work from then on"
    blank = f"{plan.found.package or '.'}/jobs/blank"
    yield f"try the first job, {blank}: its README.md says how; `fastoffload add` makes others"


def _left_out(plan: Plan) -> list[str]:
    """The folders, as high as they go, of new files that git was told to ignore."""
    root = plan.found.root
    found = {
        file if file.parent == root else file.parent
        for file in ignored(root, [one for one in plan.added if one.is_relative_to(root)])
    }
    highest = {one for one in found if not found.intersection(one.parents)}
    return sorted(_shown(one, root) for one in highest)


def _shown(file: Path, root: Path) -> str:
    return (file.relative_to(root) if file.is_relative_to(root) else file).as_posix()


def _folder(path: PurePosixPath) -> str:
    """The folder that is new with the file: `app/offload/`, `tests/offload/`; else the file."""
    for name in ("offload", "jobs"):
        if name in path.parts:
            return "/".join(path.parts[: path.parts.index(name) + 1]) + "/"
    return path.as_posix()

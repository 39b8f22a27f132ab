"""Whose a file of a project is: said here, and nowhere else.

The engine is ours: an update replaces it, with the user's edits merged in. What is named here as
the user's is never touched again, whoever wrote it first. All else is shared: it is merged. In an
application that has the engine by `init`, all but the engine and its tests is the user's.
"""

from collections.abc import Collection

ENGINE = "app/offload/"
TESTS = "tests/offload/"
USERS = (
    "app/database.py",
    "app/jobs/",
    "app/main.py",
    "app/settings.py",
    "migrations/",
    "tests/jobs/",
)


def inside(package: str, name: str) -> str:
    """The path of what is in the package of an application, which may be its root: ""."""
    return f"{package}/{name}" if package else name


def engine_in(package: str | None) -> str:
    """The folder of the engine, with a slash at its end; without a package, in a project."""
    return ENGINE if package is None else f"{inside(package, 'offload')}/"


def is_users(path: str) -> bool:
    """Whether no update may touch the file."""
    return any(path == one or (one.endswith("/") and path.startswith(one)) for one in USERS)


def is_kept_by_init(path: str, engine: str) -> bool:
    """Whether a file of an application that has the engine by `init` is ours."""
    return path.startswith((engine, TESTS))


def users(paths: Collection[str]) -> set[str]:
    """Those of a release's files that are the user's: none while it has no engine, before 0.2.0."""
    if not any(path.startswith(ENGINE) for path in paths):
        return set()
    return {path for path in paths if is_users(path)}

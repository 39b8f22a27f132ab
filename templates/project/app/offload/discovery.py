"""Finds the kinds of jobs: a folder each below `jobs/`, beside the folder of this package."""

import importlib
import re
from collections.abc import Mapping
from functools import lru_cache
from keyword import iskeyword
from pathlib import Path
from types import ModuleType
from typing import Any

from .errors import MistakeInKind, WorkNotImportable
from .kinds import Kind

PACKAGE = (__package__ or "").rpartition(".")[0]
JOBS = Path(__file__).resolve().parent.parent / "jobs"

AnyKind = Kind[Any, Any]


@lru_cache
def kinds() -> Mapping[str, AnyKind]:
    """All kinds by name. Raises MistakeInKind, naming the folder and the remedy."""
    found: dict[str, AnyKind] = {}
    taken: dict[tuple[str, str], str] = {}  # by name and by prefix: the folder
    for folder in _folders():
        kind = _kind_of(folder)
        for what, value in (("name", kind.name), ("prefix", kind.prefix)):
            other = taken.setdefault((what, value), folder)
            if other != folder:
                raise MistakeInKind(
                    f"jobs/{other}/kind.py and jobs/{folder}/kind.py both have the {what}"
                    f" {value!r}; give one of them another"
                )
        found[kind.name] = kind
    return found


@lru_cache
def folder_of(name: str) -> str:
    """The folder below `jobs/` of the kind of that name."""
    return next(folder for folder in _folders() if _kind_of(folder).name == name)


def get_kind(name: str) -> AnyKind:
    """The kind of that name. Raises MistakeInKind."""
    kind = kinds().get(name)
    if kind is None:
        raise MistakeInKind(f"there is no kind {name!r} below {JOBS.name}/")
    return kind


def queues() -> tuple[str, ...]:
    """The queues of all kinds, sorted."""
    return tuple(sorted({kind.queue for kind in kinds().values()}))


def route_modules() -> list[ModuleType]:
    """The `routes.py` of the folders that have one."""
    with_routes = [folder for folder in _folders() if (JOBS / folder / "routes.py").exists()]
    return [_import(folder, "routes") for folder in with_routes]


def load_work(kind: AnyKind) -> Any:
    """The function that does jobs of this kind. Raises WorkNotImportable, with the reason."""
    if kind.function is None:
        folder = folder_of(kind.name)
        try:
            _import(folder, "work")
        except (Exception, SystemExit) as error:  # a library that is not there may end the process
            kind.function = None  # of a module that was left half-way
            reason = f"{type(error).__name__}: {error}"
            raise WorkNotImportable(f"jobs/{folder}/work.py: {reason}") from error
        if kind.function is None:
            raise WorkNotImportable(
                f"jobs/{folder}/work.py has no function under @KIND.work of this kind; put it there"
            )
    return kind.function


def _folders() -> list[str]:
    if not JOBS.is_dir():
        return []
    found = sorted(path for path in JOBS.iterdir() if path.is_dir())
    return [
        _checked(path.name)
        for path in found
        if not path.name.startswith(("_", ".")) and _has_files(path)
    ]


def _has_files(folder: Path) -> bool:
    """Not so for what is left of a folder that another branch of the repository has."""
    return any(path.name != "__pycache__" for path in folder.iterdir())


def _checked(folder: str) -> str:
    if folder.isidentifier() and not iskeyword(folder):
        return folder
    raise MistakeInKind(
        f"jobs/{folder} cannot be imported by this name; rename it, such as"
        f" {re.sub(r'[^a-z0-9]+', '_', f'job_{folder}'.lower())}, or move it"
    )


@lru_cache
def _kind_of(folder: str) -> AnyKind:
    if not (JOBS / folder / "kind.py").exists():
        raise MistakeInKind(f"jobs/{folder} has no kind.py; add one that makes a Kind, or move it")
    try:
        module = _import(folder, "kind")
    except MistakeInKind as mistake:
        raise MistakeInKind(f"jobs/{folder}/kind.py: {mistake}") from None
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise MistakeInKind(f"jobs/{folder}/kind.py cannot be imported: {reason}") from error
    found = (value for value in vars(module).values() if isinstance(value, Kind))
    made = list({id(kind): kind for kind in found}.values())  # one may have two names
    if len(made) != 1:
        raise MistakeInKind(f"jobs/{folder}/kind.py makes {len(made)} Kinds; it must make one")
    return made[0]


def _import(folder: str, module: str) -> ModuleType:
    return importlib.import_module(".".join(filter(None, (PACKAGE, "jobs", folder, module))))

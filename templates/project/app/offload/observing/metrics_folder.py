"""Where the API processes of one server add up their metrics, when it has several.

`uvicorn --workers N` starts processes that share nothing but their parent. They meet in a folder
with prometheus-client's files; another one can be given as PROMETHEUS_MULTIPROC_DIR.
"""

import multiprocessing
import os
import re
import shutil
from hashlib import sha256
from multiprocessing.context import SpawnProcess
from pathlib import Path
from tempfile import gettempdir

from prometheus_client import values

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
PREFIX = "offload-metrics-"


def share() -> Path | None:
    """The folder, made if need be, or None when this process is the only one.

    Called before the first metric is made.
    """
    if given := os.environ.get(VARIABLE):
        Path(given).mkdir(parents=True, exist_ok=True)
    else:
        os.environ.pop(VARIABLE, None)  # an empty one would stand for the working directory
        parent = multiprocessing.parent_process()
        # Spawned, as Uvicorn's are. Those that run jobs come from a fork server and tell nothing.
        if parent and isinstance(multiprocessing.current_process(), SpawnProcess):
            os.environ[VARIABLE] = str(make(parent.pid or 0))
    values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]
    return Path(folder) if (folder := os.environ.get(VARIABLE)) else None


def folder_of(server: int) -> Path:
    """Where the processes that the server with this process id has started meet.

    The folder for temporary files is everybody's: whoever could guess the name could stand in the
    way. So it is derived from the secret that multiprocessing hands from a parent to its children.
    """
    secret = sha256(multiprocessing.current_process().authkey).hexdigest()[:32]
    return Path(gettempdir()) / f"{PREFIX}{os.getuid()}-{server}-{secret}"


def make(server: int) -> Path:
    """The folder of a server, made if need be. Ours of servers that are gone are removed."""
    ours = folder_of(server)
    _remove_left(ours.parent)
    ours.mkdir(mode=0o700, exist_ok=True)
    return ours


def _remove_left(folder: Path) -> None:
    name = re.compile(rf"{PREFIX}{os.getuid()}-(\d+)-[0-9a-f]{{32}}")
    for left in folder.iterdir():
        found = name.fullmatch(left.name)
        if found and not _lives(int(found[1])):
            shutil.rmtree(left, ignore_errors=True)  # it may be another user's, or being removed


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True

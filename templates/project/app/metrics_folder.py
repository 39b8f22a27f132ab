"""Where the API processes of one server add up their metrics, when it has several.

`uvicorn --workers N` starts processes that share nothing but their parent. A folder named for it
holds prometheus-client's files; another one can be given as PROMETHEUS_MULTIPROC_DIR.
"""

import multiprocessing
import os
import shutil
from pathlib import Path
from tempfile import gettempdir

from prometheus_client import values

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
PREFIX = "reports-metrics-"


def share() -> Path | None:
    """The folder, made if need be, or None when this process is the only one.

    Called before the first metric is made.
    """
    if not os.environ.get(VARIABLE):
        os.environ.pop(VARIABLE, None)  # an empty one would stand for the working directory
        if parent := multiprocessing.parent_process():
            os.environ[VARIABLE] = str(make(parent.pid))
    values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]
    return Path(folder) if (folder := os.environ.get(VARIABLE)) else None


def folder_of(server: int | None) -> Path:
    """Where the processes of the server with this process id meet."""
    return Path(gettempdir()) / f"{PREFIX}{os.getuid()}-{server}"


def make(server: int | None) -> Path:
    """The folder of a server, made if need be. Those of servers that are gone are removed."""
    ours = folder_of(server)
    for left in ours.parent.glob(f"{PREFIX}{os.getuid()}-*"):
        if not _lives(int(left.name.rpartition("-")[2])):
            shutil.rmtree(left, ignore_errors=True)  # another process may be at it, too
    ours.mkdir(mode=0o700, exist_ok=True)
    if ours.stat(follow_symlinks=False).st_uid != os.getuid():
        raise SystemExit(f"{ours} is another user's; set {VARIABLE} to a folder of your own.")
    return ours


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True

"""The command line in processes that are forked from one that has imported its libraries.

A short command spends half of its time on these imports. Its own modules are imported in each
process anew, from where PYTHONPATH says.
"""

import gc
import multiprocessing
import os
import runpy
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from tempfile import TemporaryDirectory

LIBRARIES = (
    "copier",
    "jinja2",
    "packaging.version",
    "platformdirs",
    "plumbum",
    "rich.console",
    "rich.progress",
    "rich.table",
    "typer.main",
    "uv",
    "yaml",
)
FORK_SERVER = multiprocessing.get_context("forkserver")
FORK_SERVER.set_forkserver_preload([*LIBRARIES])
TESTS = Path(__file__).parent
COMMAND = (sys.executable, "-m", "fastoffload")


def is_possible(prefix: Sequence[str], env: Mapping[str, str] | None) -> bool:
    """Whether nothing depends on how the process starts: no program before it, no settings.

    Not from a thread: two must not start and await processes of `multiprocessing` at once.
    """
    return not prefix and not env and threading.current_thread() is threading.main_thread()


def fastoffload(
    arguments: Sequence[str], cwd: Path, env: Mapping[str, str], timeout: float
) -> subprocess.CompletedProcess[str]:
    """What `python -m fastoffload` does without a terminal; raises TimeoutExpired."""
    with TemporaryDirectory() as folder:
        outputs = [Path(folder, name) for name in ("stdout", "stderr")]
        process = FORK_SERVER.Process(target=_become, args=(arguments, cwd, dict(env), outputs))
        process.start()
        code = _exit_code(process, timeout)
        return subprocess.CompletedProcess(arguments, code, *map(Path.read_text, outputs))


def _exit_code(process: ForkServerProcess, timeout: float) -> int:
    process.join(timeout)
    code = process.exitcode
    if code is None:
        process.kill()
        process.join()
        raise subprocess.TimeoutExpired(str(process), timeout)
    process.close()
    return code


def _become(
    arguments: Sequence[str], cwd: Path, env: Mapping[str, str], outputs: Sequence[Path]
) -> None:
    gc.freeze()  # a collection would copy the memory of all that is imported
    _redirect(outputs)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    others = [one for one in sys.path if not Path(one).is_relative_to(TESTS)]
    sys.path[:] = [str(cwd), *filter(None, env.get("PYTHONPATH", "").split(os.pathsep)), *others]
    sys.argv = ["fastoffload", *arguments]
    runpy.run_module("fastoffload", run_name="__main__", alter_sys=True)


def _redirect(outputs: Sequence[Path]) -> None:
    for number, name in enumerate([Path(os.devnull), *outputs]):
        os.dup2(os.open(name, os.O_RDWR | os.O_CREAT), number)
    sys.stdin, sys.stdout = os.fdopen(0, closefd=False), os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", 1, errors="backslashreplace", closefd=False)

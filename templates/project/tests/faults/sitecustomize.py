"""Makes the computation misbehave as a user's might, in every Python process that finds this file.

The tests put this folder on PYTHONPATH of the service; the seed of a report chooses the fault.
"""

import ctypes
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import app.compute
from app.errors import TransientError
from fault import Fault


class Unpicklable(TransientError):
    """An error that pickle can take apart and not put together again."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(one + two)


def first_time(fault: Fault) -> bool:
    """Whether the fault is met for the first time in this folder of faults."""
    try:
        (_folder() / fault.name).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def _folder() -> Path:
    return Path(os.environ["FAULTS_FOLDER"])


def _misbehave(fault: Fault, progress: Callable[[float], None]) -> None:
    with (_folder() / "runs").open("a") as runs:
        runs.write(f"{fault.name} {os.getpid()}\n")
    match fault:
        case Fault.STUCK_IN_C:
            time.sleep(600)
        case Fault.HOLDS_THE_GIL:
            ctypes.PyDLL(None).sleep(16)  # a lease, and the janitor's 10 s before it is judged
        case Fault.KILLED:
            os.kill(os.getpid(), signal.SIGKILL)
        case Fault.KILLED_ONCE if first_time(fault):
            os.kill(os.getpid(), signal.SIGKILL)
        case Fault.TRANSIENT:
            raise TransientError("the far side is away")
        case Fault.TRANSIENT_ONCE if first_time(fault):
            raise TransientError("the far side is away")
        case Fault.BROKEN:
            raise RuntimeError("BROKEN: a secret in /etc/secret")
        case Fault.EXITS:
            sys.exit("EXITS")
        case Fault.WRONG_PROGRESS:
            progress(50)
        case Fault.UNPICKLABLE_ONCE if first_time(fault):
            raise Unpicklable("a", "b")
        case Fault.GREEDY:
            bytearray(1_000_000_000)
        case Fault.HELD:
            while not (_folder() / "let-go").exists():
                progress(0.5)
                time.sleep(0.01)


_analyse = app.compute.analyse


def _analyse_or_misbehave(
    values: Sequence[float], *, resamples: int, seed: int, progress: Callable[[float], None]
) -> Any:
    if seed in set(Fault):
        _misbehave(Fault(seed), progress)
    return _analyse(values, resamples=resamples, seed=seed, progress=progress)


app.compute.analyse = _analyse_or_misbehave

_getaddrinfo = socket.getaddrinfo


def _answer_for_test(host: Any, *args: Any, **options: Any) -> Any:
    """Resolve names that end in .test as a name server would that its owner has power over.

    The file of the name holds the answers in order; the last one stays.
    """
    if not str(host).endswith(".test"):
        return _getaddrinfo(host, *args, **options)
    file = _folder() / "names" / host
    answer, *rest = file.read_text().split()
    file.write_text(" ".join(rest or [answer]))
    return [found for ip in answer.split(",") for found in _getaddrinfo(ip, *args, **options)]


socket.getaddrinfo = _answer_for_test

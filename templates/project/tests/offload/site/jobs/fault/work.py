"""How it is done wrong."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from sqlalchemy import text

from ...offload import Refused, Run, TransientError
from .kind import KIND, Fault, FaultParams, FaultResult

FOLDER = Path(os.environ["FAULTS_FOLDER"])


class Unpicklable(TransientError):
    """An error that pickle can take apart and not put together again."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(one + two)


@KIND.work
def fault(run: Run, params: FaultParams) -> FaultResult:
    """Misbehave as asked."""
    with (FOLDER / "runs").open("a") as runs:
        runs.write(f"{run.id} {os.getpid()} {params.fault}\n")
    result = misbehave(run, params)
    return result or FaultResult(attempt=run.attempt)


def misbehave(run: Run, params: FaultParams) -> object:
    """Do what the params ask for."""
    match params.fault:
        case Fault.ARTIFACT:
            time.sleep(params.seconds)
            for path in run.inputs("file"):
                run.keep("copy.bin", path, "application/octet-stream")
            (run.folder / "scratch").write_text("gone afterwards")
            run.keep("text.txt", b"kept", "text/plain")
        case Fault.LEDGER:
            run.progress(0.5)
            time.sleep(params.seconds)
            run.at_end(lambda end: end.execute(LEDGER, {"job_id": run.id.hex}))
        case Fault.LEDGER_BROKEN:
            run.at_end(lambda end: end.execute(LEDGER, {"job_id": run.id.hex}))
            run.at_end(lambda end: end.execute(text("INSERT INTO nowhere VALUES (1)")))
        case Fault.HELD:
            while not (FOLDER / "let-go").exists():
                run.progress(0.5)
                time.sleep(0.01)
        case Fault.STUCK_IN_C:
            time.sleep(params.seconds or 600)
        case Fault.HOLDS_THE_GIL:
            ctypes.PyDLL(None).usleep(int(params.seconds * 1_000_000))
        case Fault.KILLED:
            (run.folder / "scratch").write_text("gone afterwards")
            os.kill(os.getpid(), signal.SIGKILL)
        case Fault.KILLED_ONCE if first_time(run):
            os.kill(os.getpid(), signal.SIGKILL)
        case Fault.EXITS_AT_ONCE:
            os._exit(0)
        case Fault.EXITS:
            sys.exit("EXITS")
        case Fault.TRANSIENT:
            raise TransientError("the far side is away")
        case Fault.TRANSIENT_ONCE if first_time(run):
            raise TransientError("the far side is away")
        case Fault.UNPICKLABLE_ONCE if first_time(run):
            raise Unpicklable("a", "b")
        case Fault.BROKEN:
            raise RuntimeError("BROKEN: a secret in /etc/secret")
        case Fault.REFUSED:
            raise Refused(422, "the file has no rows")
        case Fault.WRONG_PROGRESS:
            run.progress(50)
        case Fault.WRONG_RESULT:
            return {"attempt": 1}
        case Fault.STARTS_A_PROGRAM:
            program = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
            (FOLDER / f"program-{run.id}").write_text(str(program.pid))
            program.wait()
        case Fault.GREEDY:
            bytearray(1_000_000_000)
        case Fault.CYCLIC:
            for _ in range(100):
                leave_garbage(20_000_000)
    return None


LEDGER = text("INSERT INTO ledger (job_id) VALUES (:job_id)")


def leave_garbage(size: int) -> None:
    """Drop so many bytes that refer to themselves; and what makes the collector look, at once."""
    cycle: list[object] = [bytearray(size)]
    cycle.append(cycle)
    del cycle
    _ = [[] for _ in range(1_000)]


def first_time(run: Run) -> bool:
    """Whether the job is tried for the first time."""
    try:
        (FOLDER / f"first-{run.id}").touch(exist_ok=False)
    except FileExistsError:
        return False
    return True

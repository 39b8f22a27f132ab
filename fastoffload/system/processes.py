"""Other programs, run to their end; and being told to stop, at a moment that suits."""

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE_SECONDS = 5  # after each signal
LOOK_SECONDS = 0.5
TESTS_GRACE_SECONDS = 60  # they end their services at once, but machines are busy


def listen() -> None:
    """Makes SIGTERM and SIGHUP interrupt as Ctrl-C does, unless they are ignored (nohup)."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _interrupt)


@contextmanager
def held() -> Iterator[None]:
    """Signals wait until the block is done, so that a clean-up is not cut short by a second one."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def run(
    command: Sequence[str],
    cwd: Path,
    env: Mapping[str, str],
    grace_seconds: float = GRACE_SECONDS,
) -> tuple[int, str]:
    """The exit code of a program and all it printed. An interruption of ours ends it."""
    with subprocess.Popen(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        # A group of its own, so that its children end with it.
        start_new_session=True,
    ) as child:
        try:
            output = _output(child)
        except BaseException:
            _end(child, grace_seconds)
            raise
    return child.returncode, output


def _output(child: subprocess.Popen[str]) -> str:
    # A signal that comes just before this process blocks is heard when that ends: soon, therefore.
    while True:
        with suppress(subprocess.TimeoutExpired):
            return child.communicate(timeout=LOOK_SECONDS)[0]


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _end(child: subprocess.Popen[str], grace_seconds: float) -> None:
    # A project's tests put away what they have started in sessions of their own when they are
    # interrupted, once: uv hands the signal on, and a second one would end the putting away.
    with held(), suppress(ProcessLookupError):
        for send, number in ((os.kill, signal.SIGINT), (os.killpg, signal.SIGTERM)):
            send(child.pid, number)
            with suppress(subprocess.TimeoutExpired):
                child.wait(grace_seconds)
                break
        os.killpg(child.pid, signal.SIGKILL)

"""The programs of one stage, and all that they start: known by a mark, and by where they live."""

import asyncio
import os
import signal
import time
from asyncio.subprocess import Process
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

MARK = "FASTOFFLOAD_SMOKE"
TELL_SECONDS = 5  # for a program to put its things away when it is interrupted
KILL_SECONDS = 10  # what lives on then is in the hands of the kernel
LOOK_SECONDS = 0.05


class Family:
    """Starts programs, finds what is left of them, and ends it.

    The mark is in the environment of each, and their children inherit it: whatever has left its
    group, its session and its parent still carries it. Servers that write a title over their
    environment, as Valkey does, are found by their working directory below one of the folders.
    """

    def __init__(self, mark: str, folders: Sequence[Path], environment: Mapping[str, str]) -> None:
        self._mark = mark
        self._folders = tuple(folders)
        self._environment = {**environment, MARK: mark}

    async def start(
        self, command: Sequence[str | Path], cwd: Path, log: Path, **environment: str
    ) -> Process:
        """A program in a session of its own; what it prints goes into the log."""
        with log.open("ab") as output:
            return await asyncio.create_subprocess_exec(
                *command,
                cwd=cwd,
                env=self._environment | environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    async def run(
        self, command: Sequence[str | Path], cwd: Path, log: Path, **environment: str
    ) -> int:
        """The exit code of a program. A cancellation interrupts it first, as Ctrl-C would."""
        process = await self.start(command, cwd, log, **environment)
        try:
            return await process.wait()
        except asyncio.CancelledError:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGINT)
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), TELL_SECONDS)
            raise

    def living(self) -> list[psutil.Process]:
        """Every process of the family that is not a zombie."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    async def wait_until_gone(self, seconds: float) -> list[psutil.Process]:
        """What is left of the family after so many seconds at the most."""
        end = time.monotonic() + seconds
        while (left := self.living()) and time.monotonic() < end:  # noqa: ASYNC110 (they tell nobody)
            await asyncio.sleep(LOOK_SECONDS)
        return left

    def kill(self) -> None:
        """End all of it, and what it starts meanwhile."""
        end = time.monotonic() + KILL_SECONDS
        while (left := self.living()) and time.monotonic() < end:
            for process in left:
                with suppress(psutil.Error):
                    process.kill()
            time.sleep(LOOK_SECONDS / 5)

    def _is_ours(self, process: psutil.Process) -> bool:
        if process.pid == os.getpid():
            return False
        with suppress(psutil.Error, OSError):
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            if process.environ().get(MARK, "").startswith(self._mark):
                return True
            lives_in = Path(process.cwd())
            return any(lives_in.is_relative_to(folder) for folder in self._folders)
        return False


def described(processes: Sequence[psutil.Process]) -> str:
    """Number and command of each process, a line each."""
    lines = []
    for process in processes:
        with suppress(psutil.Error):
            lines.append(f"  {process.pid}: {' '.join(process.cmdline())}")
    return "\n".join(lines)

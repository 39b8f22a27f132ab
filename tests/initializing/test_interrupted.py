"""Ctrl-C at any moment of `init` and of `init --undo`: the application is as it was, or done."""

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import FASTOFFLOAD, Cli
from workshop import contents

from fastoffload.templating.render import KEPT
from initializing.conftest import LIMIT_SECONDS, LayOut
from initializing.shapes import SHAPES

IN = ("init", "--strategy", "executor", "--yes")
OUT = ("init", "--undo", "--yes")
SEED = int(os.environ.get("SEED", random.randrange(10**6)))
MOMENTS = 4
# Its own exit code; and Python's, before the command has begun and after it has ended.
INTERRUPTED = {130, -signal.SIGINT}


def interrupted(root: Path, command: tuple[str, ...], is_time: Callable[[], bool]) -> int:
    """The exit code of the command whose group gets SIGINT, twice, once it is time."""
    with subprocess.Popen(
        [*FASTOFFLOAD, *command],
        cwd=root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        while process.poll() is None and not is_time():
            pass
        for _ in range(2):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
        return process.wait(LIMIT_SECONDS)


def after(seconds: float) -> Callable[[], bool]:
    """Whether they have passed since the first look."""
    end: list[float] = []

    def look() -> bool:
        end[:] = end or [time.monotonic() + seconds]
        time.sleep(0.001)
        return time.monotonic() > end[0]

    return look


@pytest.mark.parametrize("verb", ["in", "out"])
def test_all_of_it_or_nothing(
    cli: Cli, lay_out: LayOut, verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Where others use this cache as well, a development release gets another number each time.
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("COPIER_CACHE_DIR", str(tmp_path / "copier"))
    chance = random.Random(SEED)
    root = lay_out(SHAPES["a lifespan"])
    command, back = (IN, OUT) if verb == "in" else (OUT, IN)
    # What is interrupted is rendered already, as the run is that says how long it takes.
    assert cli(*IN, *(["--dry-run"] if verb == "in" else []), cwd=root).returncode == 0
    before = contents(root)
    began = time.monotonic()
    assert cli(*command, cwd=root).returncode == 0
    took = time.monotonic() - began
    done = contents(root)
    assert cli(*back, cwd=root).returncode == 0
    moving = [root / name for name in before.keys() ^ done.keys()]
    moments = [after(chance.random() * took) for _ in range(MOMENTS)]
    # And in the middle of writing.
    moments += [lambda: any(file.exists() is (verb == "in") for file in moving)] * 2
    for number, is_time in enumerate(moments):
        if number % 2:  # and while it is rendered anew
            shutil.rmtree(tmp_path / "cache" / "fastoffload" / KEPT, ignore_errors=True)
        code = interrupted(root, command, is_time)
        found = contents(root)
        assert found in (before, done), f"SEED={SEED}"
        assert code in INTERRUPTED or (code == 0 and found == done), f"SEED={SEED}: {code}"
        if found == done:
            assert cli(*back, cwd=root).returncode == 0

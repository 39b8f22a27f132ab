"""Signals wait while a clean-up is under way, and only as long; what we started ends with us."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from fastoffload.system.processes import STOP_SIGNALS, held, run


@pytest.fixture(autouse=True)
def heard() -> Iterator[list[int]]:
    """The signals that arrived."""
    numbers: list[int] = []
    before = {one: signal.signal(one, lambda n, _: numbers.append(n)) for one in STOP_SIGNALS}
    yield numbers
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    for one, handler in before.items():
        signal.signal(one, handler)


def test_a_signal_waits_for_the_outermost_block(heard: list[int]) -> None:
    with held():
        with held():
            signal.raise_signal(signal.SIGTERM)
        assert heard == []
    assert heard == [signal.SIGTERM]


def test_what_was_blocked_before_stays_blocked(heard: list[int]) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP])
    with held():
        pass
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == {signal.SIGHUP}
    assert heard == []


GRACE = 2.0  # seconds, in which a machine that is busy comes to put one file away
HEEDS_NO_INTERRUPTION = """
import os, pathlib, signal, sys, time
def end(*_):
    pathlib.Path("put away").touch()
    sys.exit()
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, end)
pathlib.Path("pid").write_text(str(os.getpid()))
os.kill(os.getppid(), signal.SIGUSR1)
time.sleep(600)
"""


def test_what_heeds_no_interruption_is_told_otherwise(tmp_path: Path) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            run([sys.executable, "-c", HEEDS_NO_INTERRUPTION], tmp_path, os.environ, GRACE)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert (tmp_path / "put away").exists()
    assert not psutil.pid_exists(int((tmp_path / "pid").read_text()))


def test_a_signal_that_comes_before_we_wait_is_heard_before_the_end(tmp_path: Path) -> None:
    # One that another thread gets does not end a call of this one that waits, either.
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    def tell() -> None:
        while not (tmp_path / "begun").exists():
            time.sleep(0.05)
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, interrupt)
    teller = threading.Thread(target=tell)
    teller.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            run(["sh", "-c", "touch begun; sleep 30; touch ended"], tmp_path, os.environ, GRACE)
    finally:
        signal.signal(signal.SIGUSR1, before)
        teller.join()
    assert not (tmp_path / "ended").exists()

"""Signals wait while a clean-up is under way, and only as long."""

import signal
from collections.abc import Iterator

import pytest

from fastoffload.system.processes import STOP_SIGNALS, held


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

"""Strategy: Celery.

The API publishes that jobs wait; a worker process of its own, here or on another machine, looks.
"""

from collections.abc import Sequence

from .running.strategy import Strategy
from .worker import notifier


def make(_queues: Sequence[str]) -> Strategy:
    """The strategy of this process."""
    return notifier

"""Strategy: Celery.

The API publishes that jobs wait; a worker process of its own, here or on another machine, looks.
"""

from .notifier import Notifier
from .worker import notifier


def make() -> Notifier:
    """The strategy of this process."""
    return notifier

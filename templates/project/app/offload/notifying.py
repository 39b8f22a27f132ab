"""Whom to tell that jobs wait: the strategy of this process, once its application has started."""

from collections.abc import Iterable
from typing import Protocol

import structlog

log = structlog.get_logger()


class Notifier(Protocol):
    """Wakes whoever runs jobs."""

    def notify(self, queue: str) -> None:
        """Tell that a job waits in the queue. Never blocks, never raises, from any thread."""


class _Current:
    notifier: Notifier | None = None
    installed_on = ""  # the title of the application
    has_warned = False


def use(notifier: Notifier | None) -> None:
    """Tell this one from now on; None: nobody."""
    _Current.notifier = notifier


def mark_installed(title: str) -> None:
    """An application of this process has the engine; its lifespan will bring a notifier."""
    _Current.installed_on, _Current.has_warned = title, False


def is_running() -> bool:
    """Whether the application of this process has started, and so has its tables."""
    return _Current.notifier is not None


def notify(queues: Iterable[str]) -> None:
    """Tell that jobs wait in these queues. Without a notifier the next sweep finds them."""
    notifier = _Current.notifier  # read once: another thread may take it away
    if notifier is not None:
        for queue in queues:
            notifier.notify(queue)


def warn_unless_running() -> None:
    """Say once for each application what is wrong when jobs are added and it never started."""
    if _Current.installed_on and _Current.notifier is None and not _Current.has_warned:
        _Current.has_warned = True
        log.warning(
            "nothing_runs_jobs_here",
            application=_Current.installed_on,
            reason="offload.install(app) was called, and the lifespan of app has not run: a mounted"
            " application's never does (install it on the outer one), nor does a test client's"
            " without `with`",
        )

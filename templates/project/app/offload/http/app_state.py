"""What the engine keeps at `app.state.offload`: what runs beside the routes."""

from typing import Protocol

from starlette.background import BackgroundTasks
from starlette.requests import HTTPConnection

from .. import notifying
from ..running.strategy import Strategy
from .feed import Feed
from .problems import Problem


class AppState(Protocol):
    """What `app.state.offload` is while the lifespan of the application lasts."""

    @property
    def strategy(self) -> Strategy:
        """Has jobs run."""

    @property
    def feed(self) -> Feed:
        """Follows them."""


def find(connection: HTTPConnection) -> AppState | None:
    """What runs beside this application; None when its lifespan has not run."""
    found: AppState | None = getattr(connection.app.state, "offload", None)
    return found


def get(connection: HTTPConnection) -> AppState:
    """The same. Raises Problem."""
    found = find(connection)
    if found is None:
        raise Problem(503, "The application has not started.", {"Retry-After": "1"})
    return found


def submitted(connection: HTTPConnection, background: BackgroundTasks, queue: str) -> None:
    """Tell that a job waits, once its row is committed."""
    if found := find(connection):
        found.strategy.submitted(background, queue)
    else:
        notifying.warn_unless_running()

"""Where jobs are, as a path on this host: what a proxy or a mount puts before it is in it."""

from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from starlette.requests import HTTPConnection
from starlette.routing import NoMatchFound

# Of each application, the paths of its kinds: to find one among those of 20 kinds takes 1.5 ms.
_known: WeakKeyDictionary[Any, dict[str, str | None]] = WeakKeyDictionary()


def list_route(kind: str) -> str:
    """The name of the route that lists the jobs of a kind."""
    return f"list_{kind}_jobs"


class Links:
    """The paths that whoever sent a request can use."""

    def __init__(self, connection: HTTPConnection) -> None:
        self.root: str = connection.scope.get("root_path", "").rstrip("/")
        self._app = connection.scope["app"]
        self._paths = _known.setdefault(self._app, {})

    def jobs(self, kind: str) -> str | None:
        """The jobs of a kind; None when this application does not serve it."""
        if kind not in self._paths:
            self._paths[kind] = self._find(kind)
        path = self._paths[kind]
        return f"{self.root}{path}" if path else None

    def job(self, kind: str, job_id: UUID) -> str | None:
        """One job."""
        jobs = self.jobs(kind)
        return f"{jobs}/{job_id}" if jobs else None

    def _find(self, kind: str) -> str | None:
        try:
            return str(self._app.url_path_for(list_route(kind)))
        except NoMatchFound:
            return None

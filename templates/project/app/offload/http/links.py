"""Where jobs are, as a path on this host: what a proxy or a mount puts before it is in it."""

from uuid import UUID

from starlette.requests import HTTPConnection
from starlette.routing import NoMatchFound


def list_route(kind: str) -> str:
    """The name of the route that lists the jobs of a kind."""
    return f"list_{kind}_jobs"


class Links:
    """The paths that whoever sent a request can use."""

    def __init__(self, connection: HTTPConnection) -> None:
        self.root: str = connection.scope.get("root_path", "").rstrip("/")
        self._app = connection.scope["app"]
        self._found: dict[str, str | None] = {}

    def jobs(self, kind: str) -> str | None:
        """The jobs of a kind; None when this application does not serve it."""
        if kind not in self._found:
            self._found[kind] = self._find(kind)
        return self._found[kind]

    def job(self, kind: str, job_id: UUID) -> str | None:
        """One job."""
        jobs = self.jobs(kind)
        return f"{jobs}/{job_id}" if jobs else None

    def _find(self, kind: str) -> str | None:
        try:
            return f"{self.root}{self._app.url_path_for(list_route(kind))}"
        except NoMatchFound:
            return None

"""What can stop a run, and what its work may raise."""

from typing import Any


class TransientError(Exception):
    """Raised by the work when trying again later may help: a rate limit, a dropped connection.

    The job waits for a backoff that doubles, or for `retry_after_seconds` when that is longer.
    """

    def __init__(self, message: str = "", *, retry_after_seconds: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class Refused(Exception):
    """Raised by a kind's `prepare`, or by its routes, when something must not be done.

    The answer is a problem document with this HTTP status; further members may go with it.
    """

    def __init__(self, status: int, detail: str, **members: Any) -> None:
        super().__init__(detail)
        self.status, self.detail, self.members = status, detail, members


class CannotInstall(Exception):
    """The engine does not fit into the application as it was asked to; the message says why."""


class MistakeInKind(Exception):
    """Something in `jobs/` is not as the engine needs it; the message names file and remedy."""


class WorkNotImportable(Exception):
    """A kind's `work.py` cannot be imported, so its jobs cannot run here."""


class ParamsInvalid(Exception):
    """The parameters in a row are none that the kind's model takes."""


class RunStopped(BaseException):
    """The run must end now. A BaseException: `except Exception` in the work lets it pass."""


class Cancelled(RunStopped):
    """Somebody asked to cancel the job."""


class DeadlineExceeded(RunStopped):
    """The run has taken longer than the kind's deadline_seconds."""


class LeaseLost(RunStopped):
    """The row belongs to another run by now, or has ended; nothing more may be written."""


class Interrupted(RunStopped):
    """The process is shutting down; the job goes back to the queue."""

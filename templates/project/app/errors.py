"""What can stop a run. The work may raise TransientError; the others reach it by `progress`."""


class TransientError(Exception):
    """Raised by the work when trying again later may help: a rate limit, a dropped connection."""


class RunStopped(BaseException):
    """The run must end now. A BaseException: `except Exception` in the work lets it pass."""


class Cancelled(RunStopped):
    """Somebody asked to cancel the report."""


class DeadlineExceeded(RunStopped):
    """The run has taken longer than JOB_DEADLINE_SECONDS."""


class LeaseLost(RunStopped):
    """The row belongs to another run by now, or has been ended; nothing more may be written."""


class Interrupted(RunStopped):
    """The process is shutting down; the report goes back to the queue."""

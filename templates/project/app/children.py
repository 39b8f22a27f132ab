"""What the processes that run reports have in common, whoever starts them."""

import os
import resource

from app import tracing
from app.logs import configure_logging
from app.settings import get_settings

NICENESS = 10  # they give way to the API when there are more of both than cores


def default_workers() -> int:
    """The cores that this process may use; a container's quota of their time does not show here."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def begin_child() -> None:
    """What such a process does first."""
    os.nice(NICENESS)
    configure_logging()
    tracing.configure()
    if megabytes := get_settings().job_memory_mb:
        # Over it, the work meets a MemoryError, and no other process the kernel's killer.
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (megabytes * 1_000_000, most))

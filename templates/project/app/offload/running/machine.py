"""What is to be known of the machine and of this process."""

import os
import socket


def default_workers() -> int:
    """The cores that this process may use; a container's quota of their time does not show here."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def worker_name() -> str:
    """How rows name this process: host and process id."""
    return f"{socket.gethostname()}:{os.getpid()}"

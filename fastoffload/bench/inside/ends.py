"""Notes when a job of a bare engine ended, in the file of ENDS_FILE."""

import os
import time

_ends = os.open(os.environ["ENDS_FILE"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)


def note() -> None:
    """Add this moment to the file, in seconds of Unix time."""
    os.write(_ends, f"{time.time()}\n".encode())

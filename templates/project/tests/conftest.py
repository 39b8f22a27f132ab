"""Says what the tests are about to do, and on how many processes."""

import gc
import os
import signal
from urllib.parse import urlsplit

import pytest


def pytest_configure() -> None:
    """Prepare the environment of what the tests start.

    Services are to hear of signals that whoever started the tests ignores, as nohup does.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    # Without byte code each of the many programs that are started would compile all it imports.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    gc.disable()


def pytest_collection_finish() -> None:
    """What is imported by now stays: to look for garbage in it would take a tenth longer."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(optionalhook=True)  # there is no such hook without xdist
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """More than two a core where many wait for a service; xdist's own variable comes first."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    has_affinity = hasattr(os, "sched_getaffinity")
    cores = (len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count()) or 1
    return cores if all("tests/jobs" in path for path in config.args) else 2 * cores + 2


def pytest_report_header() -> list[str]:
    """Name what the tests run on, and how to run fewer of them."""
    return [
        f"database: {_server('DATABASE_URL') or 'SQLite files of their own'}",
        f"broker: {_server('BROKER_URL') or 'embedded, where the strategy needs one'}",
        "tests/jobs: your kinds of jobs, in seconds; tests/offload: the engine, in a minute or two:"
        " it starts real services, kills them, and takes their database away",
    ]


def _server(variable: str) -> str:
    """Scheme and host of a URL in the environment; never a password."""
    url = urlsplit(os.environ.get(variable, ""))
    return f"{url.scheme}://{url.hostname or url.path}" if url.scheme else ""

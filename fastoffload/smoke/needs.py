"""What `smoke` needs besides what every command does."""

from importlib.util import find_spec

from fastoffload.errors import FastoffloadError

MODULES = ("httpx", "pika", "psutil", "psycopg", "pypdf", "redis")


def check_installed() -> None:
    """Raises FastoffloadError when the packages of the extra are missing."""
    if missing := [name for name in MODULES if find_spec(name) is None]:
        raise FastoffloadError(
            f"smoke needs {', '.join(missing)}, which come with `pip install 'fastoffload[smoke]'`"
        )

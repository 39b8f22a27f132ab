"""What single commands need besides what every command does."""

from importlib.util import find_spec

from fastoffload.errors import FastoffloadError

MODULES = {
    "bench": ("honcho", "psutil"),
    "smoke": ("httpx", "pika", "psutil", "psycopg", "redis"),
}


def check_installed(command: str) -> None:
    """Raises FastoffloadError when packages of the command's extra are missing."""
    if missing := [name for name in MODULES[command] if find_spec(name) is None]:
        raise FastoffloadError(
            f"{command} needs {', '.join(missing)};"
            f" `pip install 'fastoffload[{command}]'` brings all that it needs"
        )

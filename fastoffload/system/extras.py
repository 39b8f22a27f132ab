"""What single commands need besides what every command does."""

from importlib.util import find_spec
from pathlib import Path

from fastoffload.errors import FastoffloadError

MODULES = {
    "bench": ("honcho", "psutil"),
    "smoke": ("httpx", "pika", "psutil", "psycopg", "redis"),
}


def check_installed(command: str) -> None:
    """Raises FastoffloadError when packages of the command's extra are missing."""
    if missing := [name for name in MODULES[command] if find_spec(name) is None]:
        raise FastoffloadError(
            f"{command} needs {', '.join(missing)}; install fastoffload with all that it needs:"
            f" `uv tool install --force {_what(command)}`"
        )


def _what(extra: str) -> str:
    """With the extra: the checkout that this runs from, or the package."""
    checkout = Path(__file__).parents[2]
    is_one = (checkout / "pyproject.toml").is_file()
    return f"--editable '{checkout}[{extra}]'" if is_one else f"'fastoffload[{extra}]'"

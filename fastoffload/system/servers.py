"""The servers that the environment names by URL."""

from collections.abc import Collection
from urllib.parse import urlsplit

from fastoffload.errors import UsageError

NAMES = {"redis": "Redis", "rabbitmq": "RabbitMQ", "postgresql": "PostgreSQL"}
# The one to recommend first.
SCHEMES = {
    "redis": ("redis", "rediss"),
    "rabbitmq": ("amqp", "amqps"),
    "postgresql": ("postgresql", "postgresql+psycopg"),
}


def kind_of(variable: str, url: str, kinds: Collection[str]) -> str:
    """Which of the kinds of server a URL names; raises UsageError when it is none of them."""
    for kind in kinds:
        if _scheme(url) in SCHEMES[kind]:
            return kind
    # Not the URL itself: it may hold a password.
    names = " or ".join(NAMES[kind] for kind in kinds)
    examples = " or ".join(f"{SCHEMES[kind][0]}://…" for kind in kinds)
    raise UsageError(f"{variable} is no URL of a {names}; give {examples}")


def _scheme(url: str) -> str:
    try:
        return urlsplit(url).scheme
    except ValueError:
        return ""

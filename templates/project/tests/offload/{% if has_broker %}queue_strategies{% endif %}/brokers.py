"""The broker that the tests break: the embedded one for real, a given one behind a proxy."""

import os
import select
import shutil
import signal
import socket
import threading
from contextlib import suppress
from typing import Any, Protocol
from urllib.parse import urlsplit

from redis import Redis

from offload.service import COMMANDS, Service, free_port

GIVEN = os.environ.get("BROKER_URL")
ENGINE = "celery" if "celery" in COMMANDS["worker"] else "dramatiq"
QUEUES = ("default", "slow")  # those of the kinds in site/
STANDARD_PORTS = {"redis": 6379, "amqp": 5672}


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
        for process in self._valkey():
            process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        for process in self._valkey():
            process.send_signal(signal.SIGCONT)

    def forget(self) -> None:
        self.stop()
        shutil.rmtree(self._service.folder / "data" / "broker" / "appendonlydir")
        self.start()

    def _valkey(self) -> list[Any]:
        return [one for one in self._service.processes() if "valkey" in one.name()]


class GivenBroker:
    """The broker of BROKER_URL behind a proxy; what is done to it is done to the proxy."""

    def __init__(self, url: str, prefix: str) -> None:
        parts = urlsplit(url)
        self._given, self._prefix = url, prefix
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
        forget(self._given, self._prefix)

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


def url_of(service: Service) -> str:
    """Where the service's broker is."""
    noted = service.folder / "data" / "broker" / "url"
    embedded = noted.read_text() if noted.exists() else "redis://"
    return service.environment.get("BROKER_URL") or embedded


def queue_of(service: Service) -> str:
    """The name of the queue `default` on the broker."""
    return f"{service.environment['QUEUE_PREFIX']}.{ENGINE}.default"


def put(service: Service, body: bytes, **message: Any) -> None:
    """Put a message into the queue that holds just this; RabbitMQ keeps headers apart from it."""
    url, queue = url_of(service), queue_of(service)
    if not is_redis(url):
        channel = open_channel(url)
        if ENGINE == "celery":
            from amqp import Message

            headers, kind = message.get("headers"), message.get("content_type")
            made = Message(body, application_headers=headers or {}, content_type=kind)
            channel.basic_publish(made, routing_key=queue)
        else:
            channel.basic_publish("", queue, body)
        channel.connection.close()
        return
    space = queue.removesuffix(".default")
    with Redis.from_url(url) as redis:
        if ENGINE == "celery":
            redis.lpush(f"{space}:{queue}", body)
        else:
            message_id = os.urandom(8).hex()
            redis.hset(f"{space}:{queue}.msgs", message_id, body)
            redis.rpush(f"{space}:{queue}", message_id)


def is_redis(url: str) -> bool:
    """Whether the broker speaks Redis's protocol."""
    return urlsplit(url).scheme == "redis"


def kept(service: Service) -> list[str]:
    """The messages that the broker keeps for the service, given out or not."""
    url = url_of(service)
    if not is_redis(url):
        return ["?"] * waiting(service)
    with Redis.from_url(url, decode_responses=True, encoding_errors="replace") as redis:
        keys = list(redis.scan_iter(f"{service.environment['QUEUE_PREFIX']}*"))
        return [text for key in keys for text in _read(redis, key)]


def waiting(service: Service) -> int:
    """How many messages of the queue `default` nobody has taken."""
    url, queue = url_of(service), queue_of(service)
    if is_redis(url):
        with Redis.from_url(url) as redis:
            return int(redis.llen(f"{queue.removesuffix('.default')}:{queue}"))
    channel = open_channel(url)
    declared = channel.queue_declare(queue, passive=True)
    channel.connection.close()
    return int(getattr(declared, "method", declared).message_count)  # pika's answer, or amqp's


def _read(redis: Redis, key: str) -> list[str]:
    match redis.type(key):
        case "list":
            return list(redis.lrange(key, 0, -1))
        case "hash":
            return list(redis.hvals(key))
        case _:
            return []


def forget(url: str, prefix: str) -> None:
    """Delete a service's queues from a broker, with all that they hold."""
    if is_redis(url):
        with Redis.from_url(url) as redis:
            for key in redis.scan_iter(f"{prefix}.*"):
                redis.delete(key)
        return
    channel = open_channel(url)
    for queue in (f"{prefix}.{ENGINE}.{name}" for name in QUEUES):
        for name in (queue,) if ENGINE == "celery" else (queue, f"{queue}.DQ"):
            channel.queue_delete(name)
    if ENGINE == "celery":  # those of `celery inspect` and `celery control`
        for exchange in ("{}.celery.pidbox", "reply.{}.celery.pidbox"):
            channel.exchange_delete(exchange.format(prefix))
    channel.connection.close()


def open_channel(url: str) -> Any:
    """A channel to RabbitMQ, by the library that the engine has."""
    if ENGINE == "celery":
        from kombu import Connection

        connection = Connection(url)
        return connection.channel()
    import pika

    return pika.BlockingConnection(pika.URLParameters(url)).channel()

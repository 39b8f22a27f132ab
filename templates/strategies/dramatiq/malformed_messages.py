"""Whatever a message holds: what is none of ours is dropped with a warning, and good ones are run.

Dramatiq's consumers begin anew over a message that they cannot read, and are given it again; one
with a foreign queue's name ends a thread. So nothing else than a message of ours gets to them.
"""

import ssl
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, Literal

import pika  # type: ignore[import-untyped]
import redis
import structlog
from dramatiq.brokers.rabbitmq import RabbitmqBroker, _RabbitmqConsumer
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import Middleware
from pydantic import BaseModel, ConfigDict, ValidationError

from .broker import (
    ANSWER_SECONDS,
    CONNECT_SECONDS,
    MESSAGE_SECONDS,
    MOST_MESSAGES,
    UNUSED_QUEUE_SECONDS,
    get_broker_settings,
)

log = structlog.get_logger()

LOOK = "offload.look"  # the one actor


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Nothing(_Strict):
    pass


class _Options(_Strict):
    redis_message_id: str = ""


class _Message(_Strict):
    """What `look.message(queue)` looks like on its way."""

    queue_name: str
    actor_name: Literal["offload.look"]
    args: tuple[str]
    kwargs: _Nothing
    options: _Options
    message_id: str
    message_timestamp: int


def _is_ours(data: bytes, queue_name: str) -> bool:
    try:
        message = _Message.model_validate_json(data)
    except ValidationError as error:
        reason = str(error.errors(include_input=False)[0]["msg"])
    else:
        if message.queue_name == queue_name and queue_name.endswith(f".{message.args[0]}"):
            return True
        reason = "it is for another queue"
    log.warning("message_dropped", reason=reason[:200], queue=queue_name)
    return False


class TolerantRedis(RedisBroker):
    """Hands out our messages only."""

    def do_fetch(self, queue_name: str, _number: int) -> list[bytes]:
        """One message at the most: what is left of several would be lost for a minute at a stop.

        Raises redis.ConnectionError when Redis is away, or silent.
        """
        try:
            found = self._dispatch("fetch")(queue_name, 1)  # type: ignore[no-untyped-call]
            return [data for data in found if data is not None and self._keep(data, queue_name)]
        except redis.TimeoutError as error:
            raise redis.ConnectionError(str(error)) from None

    def _keep(self, data: bytes, queue_name: str) -> bool:
        if _is_ours(data, queue_name):
            return True
        # Its id may stand anywhere, or nowhere; there are few messages at a time.
        for message_id, held in self.client.hgetall(f"{self.namespace}:{queue_name}.msgs").items():
            if held == data:
                self.do_ack(queue_name, message_id)
        return False


class TolerantConsumer(_RabbitmqConsumer):
    """Reads our messages only."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]
        self.iterator = self._ours(self.iterator)

    def _ours(self, deliveries: Iterable[Any]) -> Iterator[Any]:
        for method, properties, body in deliveries:
            if method is None or _is_ours(body, self.queue_name):
                yield method, properties, body
            else:
                self.channel.basic_nack(method.delivery_tag, requeue=False)
                yield None, None, None

    def cancel(self) -> None:
        """Have RabbitMQ send no more, and give to others what it has sent; on the same thread."""
        with suppress(pika.exceptions.AMQPError):
            self.channel.cancel()


class TolerantRabbitmq(RabbitmqBroker):
    """Hands out our messages only; its queues stay short."""

    def __init__(self, middleware: list[Middleware]) -> None:
        # Without confirms a message that nobody took counts as sent.
        super().__init__(middleware=middleware, confirm_delivery=True)
        self.parameters = rabbitmq_parameters()

    @property
    def consumer_class(self) -> type[TolerantConsumer]:
        """Who reads a queue."""
        return TolerantConsumer

    def _build_queue_arguments(self, _: str) -> dict[str, Any]:
        return {
            "x-queue-type": "quorum",  # survives the loss of a node
            "x-max-length": MOST_MESSAGES,
            "x-message-ttl": 1000 * MESSAGE_SECONDS,
            "x-expires": 1000 * UNUSED_QUEUE_SECONDS,
        }

    def _declare_xq_queue(self, _: str) -> None:
        """None for dead letters: no queue has it in its arguments, and it would never expire."""


def redis_client() -> redis.Redis:
    """A client of BROKER_URL that checks the server's certificate; it is not connected yet."""
    settings = get_broker_settings()
    options: dict[str, Any] = {
        "socket_connect_timeout": CONNECT_SECONDS,
        "socket_timeout": ANSWER_SECONDS,
    }
    if settings.is_encrypted:
        options |= {"ssl_cert_reqs": "required", "ssl_check_hostname": True}
        if settings.broker_ca_file:
            options["ssl_ca_certs"] = str(settings.broker_ca_file)
    return redis.Redis.from_url(settings.broker_url or "redis://", **options)


def rabbitmq_parameters() -> Any:
    """How to connect to BROKER_URL; the server's certificate is checked."""
    settings = get_broker_settings()
    parameters = pika.URLParameters(settings.broker_url)
    parameters.heartbeat = 30
    parameters.blocked_connection_timeout = ANSWER_SECONDS
    parameters.socket_timeout = CONNECT_SECONDS
    parameters.stack_timeout = CONNECT_SECONDS + 1
    if settings.is_encrypted:
        context = ssl.create_default_context(cafile=settings.broker_ca_file)
        parameters.ssl_options = pika.SSLOptions(context, settings.host)
    return parameters

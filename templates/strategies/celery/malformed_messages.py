"""Whatever a message holds: what is none of ours is dropped with a warning, and good ones are run.

Celery's own consumer ends its worker over a message that it cannot read; on RabbitMQ the next one
gets it again, and ends too. Each of these classes replaces one step that raises.
"""

from collections.abc import Callable, Container
from functools import partial
from typing import Any, cast

import structlog
from celery.app.amqp import AMQP
from celery.worker.consumer import Consumer
from kombu import Connection
from kombu.transport import redis

from .broker import MOST_MESSAGES

log = structlog.get_logger()

LOOK = "offload.look"  # the one task
# Celery's own without what delays messages: that makes queues on the broker which nobody owns.
STEPS = [step for step in Consumer.Blueprint.default_steps if "delayed_delivery" not in step]
# What workers tell each other costs a second at the start, and nobody reads it.
WITHOUT = ("without_gossip", "without_mingle", "without_heartbeat")
NOTHING_MORE = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}


class TolerantConsumer(Consumer):
    """Runs the one task, drops everything else."""

    Blueprint: Any = type("Blueprint", (Consumer.Blueprint,), {"default_steps": STEPS})
    connection_errors: tuple[type[Exception], ...]

    def __init__(self, on_task_request: Any, **kwargs: Any) -> None:
        super().__init__(on_task_request, **kwargs | dict.fromkeys(WITHOUT, True))

    def create_task_handler(self, *args: Any, **kwargs: Any) -> Callable[[Any], None]:
        """What is called with each message."""
        handle = super().create_task_handler(*args, **kwargs)
        queues: Any = self.app.amqp.queues

        def handle_ours(message: Any) -> None:
            try:
                message.headers = _headers(message, queues.aliases)
            except Exception as error:  # it may hold anything
                self._drop(message, repr(error))
            else:
                message.ack_log_error = partial(_acknowledge, message)
                handle(message)

        return handle_ours

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        """Drop a message whose encoding is unknown."""
        self._drop(message, repr(exc))

    def _drop(self, message: Any, reason: str) -> None:
        log.warning("message_dropped", reason=reason[:200])
        message.reject_log_error(log, self.connection_errors)


def _headers(message: Any, queues: Container[str]) -> dict[str, Any]:
    """The headers that the task needs, and none that delay or bind it. Raises what it likes."""
    names = {key: message.headers[key] for key in ("task", "id", "shadow")}
    (queue,), kwargs, more = message.payload
    if kwargs or more != NOTHING_MORE or queue not in queues or names["task"] != LOOK:
        raise ValueError("no message of this service")
    if not all(isinstance(name, str) for name in names.values()):
        raise TypeError("no name")
    return {"lang": "py", **names}


def _acknowledge(message: Any, *_: Any) -> None:
    # It may have come over a connection that is gone: kombu then raises an AttributeError, which
    # would end the worker. The message comes again, or is sent again by a sweep.
    try:
        message.ack()
    except Exception as error:
        log.info("message_not_acknowledged", error=repr(error))


class TolerantChannel(redis.Channel):
    """Drops what is no message at all; takes no more than wakes everybody."""

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[misc]
        except (ValueError, TypeError, LookupError, ArithmeticError, RecursionError) as error:
            log.warning("message_dropped", reason=repr(error)[:200])
            return True

    def _put(self, queue: str, message: Any, **kwargs: Any) -> None:
        if self.client.llen(queue) < MOST_MESSAGES:
            super()._put(queue, message, **kwargs)


class TolerantRedis(redis.Transport):
    """Redis with such channels."""

    Channel = TolerantChannel

    def _deliver(self, message: Any, queue: str | None) -> None:
        try:
            super()._deliver(message, queue)
        except self.connection_errors:
            raise
        except Exception as error:  # it may hold anything
            log.warning("message_dropped", reason=repr(error)[:200])


class NamedConnection(Connection):
    """Has the log name the broker by its URL, where kombu names the class above."""

    def as_uri(self, *arguments: Any, **options: Any) -> str:
        """The URL, without its password."""
        found, transport = str(super().as_uri(*arguments, **options)), cast(Any, self.transport_cls)
        if transport is not TolerantRedis:
            return found
        return f"redis{'s' if self.ssl else ''}://{found.partition('://')[2]}"


class NamedAMQP(AMQP):
    """Celery's own with such connections."""

    Connection = NamedConnection

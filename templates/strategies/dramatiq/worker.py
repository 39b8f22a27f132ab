"""The Dramatiq worker: `dramatiq app.offload.worker:broker --processes 1 --threads N`.

A message says "look in this queue" and no more: the rows say what is to be run. So one that comes
twice, or too late, does no harm; one that is lost is sent again by the next sweep. None of
Dramatiq's middleware that retries, delays or limits messages is needed.
"""

import signal
from contextlib import suppress
from functools import cache
from types import FrameType
from typing import Any

import dramatiq
import pika  # type: ignore[import-untyped]
from dramatiq.middleware import Middleware

from .broker import MOST_MESSAGES, NOT_SET, get_broker_settings
from .malformed_messages import (
    LOOK,
    TolerantConsumer,
    TolerantRabbitmq,
    TolerantRedis,
    rabbitmq_parameters,
    redis_client,
)
from .notifier import Notifier
from .observing import logs, tracing
from .shutdown import ignore_stops
from .worker_children import Children, consumed_queues

settings = get_broker_settings()
PREFIX = settings.prefix("dramatiq")

IDLE_MILLISECONDS = 100  # between two looks at Redis; and what an idle thread's end may take


class ChildProcesses(Middleware):
    """The pool of a worker process."""

    def after_process_boot(self, broker: dramatiq.Broker) -> None:
        """Set up what this process has for itself."""
        logs.configure()
        tracing.configure()
        if settings.broker_url is None:
            raise SystemExit(NOT_SET)
        look()
        _hear_stops_once()

    def before_worker_boot(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        """Start as many children as there are threads."""
        worker.worker_timeout = IDLE_MILLISECONDS
        worker.queue_prefetch = worker.worker_threads  # a busy worker must not hoard messages
        children.start(worker.worker_threads)

    def before_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        """Take no message any more, then end the children: the threads wait for them."""
        for consumer in worker.consumers.values():
            consumer.stop()  # after `pause` it would sleep for 3 s, which a stop waits for
        for thread in worker.workers:
            thread.pause()
        children.stop()

    def before_consumer_thread_shutdown(self, broker: dramatiq.Broker, thread: Any) -> None:
        """Leave to other workers what this one was sent and has not begun."""
        if isinstance(thread.consumer, TolerantConsumer):
            thread.consumer.cancel()


def _hear_stops_once() -> None:
    """Let a stop that this process is told of twice be one.

    Its master tells it, and so does who signals a whole group: a terminal, a service manager. At a
    second signal Dramatiq skips the hook that gives back what runs, and its threads go on.
    """
    stop = signal.getsignal(signal.SIGTERM)

    def hear(how: int, frame: FrameType | None) -> None:
        ignore_stops()
        if callable(stop):
            with suppress(SystemExit):  # by which it ends if one came before this handler
                stop(how, frame)

    for how in (signal.SIGTERM, signal.SIGHUP):  # SIGINT it ignores
        signal.signal(how, hear)


def queue_of(name: str) -> str:
    """The broker's queue for a queue of jobs."""
    return f"{PREFIX}.{name}"


def _make_broker() -> TolerantRedis | TolerantRabbitmq:
    """The broker of BROKER_URL; it connects when it is first used."""
    middleware: list[Middleware] = [ChildProcesses()]
    if settings.is_redis:
        return TolerantRedis(  # type: ignore[no-untyped-call]
            client=redis_client(), middleware=middleware, namespace=PREFIX
        )
    return TolerantRabbitmq(middleware)


broker = _make_broker()  # Dramatiq's global one stays the user's


@cache
def look() -> dramatiq.Actor[[str], None]:
    """The one actor, with a queue for each queue of jobs; made when the kinds can be imported."""
    names = [queue_of(name) for name in consumed_queues()] or [queue_of("default")]
    for name in names:
        broker.declare_queue(name)
    make = dramatiq.actor(actor_name=LOOK, queue_name=names[0], broker=broker)
    return make(_look)


def _look(queue: str) -> None:
    children.look(queue)


def _publish(queue: str) -> None:
    name = queue_of(queue)
    # RabbitMQ keeps the limit itself.
    if isinstance(broker, TolerantRabbitmq) or broker.do_qsize(name) < MOST_MESSAGES:
        broker.enqueue(look().message(queue).copy(queue_name=name))


def _ping() -> None:
    if isinstance(broker, TolerantRedis):
        broker.client.ping()
    else:
        pika.BlockingConnection(rabbitmq_parameters()).close()


notifier = Notifier(_publish, _ping)
children = Children(notifier)

"""The Celery worker: `celery -A app.offload.worker worker`.

A message says "look in this queue" and no more: the rows say what is to be run. So one that comes
twice, or too late, does no harm; one that is lost is sent again by the next sweep. Nothing of
Celery's own that retries, delays or limits tasks is needed.
"""

import signal
import socket
import ssl
import threading
from typing import Any

from celery import Celery, bootsteps, signals
from celery.concurrency.thread import TaskPool
from kombu import Exchange, Queue

from .broker import (
    ANSWER_SECONDS,
    CONNECT_SECONDS,
    MESSAGE_SECONDS,
    MOST_MESSAGES,
    NOT_SET,
    UNUSED_QUEUE_SECONDS,
    get_broker_settings,
)
from .malformed_messages import LOOK, NamedAMQP, TolerantConsumer, TolerantRedis
from .notifier import Notifier
from .observing import logs, tracing
from .running.machine import default_workers
from .settings import get_settings
from .shutdown import ignore_stops
from .worker_children import Children, consumed_queues

broker = get_broker_settings()
PREFIX = broker.prefix("celery")
GOODBYE_SECONDS = 1  # for the broker to take back what is not begun, before the jobs are


class ThreadsWithChildren(TaskPool):
    """Celery's threads, whose looks are done by processes."""

    def on_start(self) -> None:
        """Start as many children as there are threads."""
        children.start(self.limit)

    def on_close(self) -> None:
        """First Celery says goodbye to the broker: one that is silent must not hold up the jobs."""
        self._late_stop = threading.Timer(GOODBYE_SECONDS, children.stop)
        self._late_stop.start()

    def on_stop(self) -> None:
        """End the children before the threads, which wait for them."""
        self._late_stop.cancel()
        self._late_stop.join()
        children.stop()
        super().on_stop()

    on_terminate = on_stop


class SignalWakeup(bootsteps.StartStopStep):
    """Ends the wait for messages at a signal, which Python would resume: a stop must not wait."""

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)

    def register_with_event_loop(self, _consumer: Any, hub: Any) -> None:
        """Called with each connection: the loop forgets its readers when one is lost."""
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        hub.add_reader(self._reader, self._reader.recv, 64)


def queue_of(name: str) -> Queue:
    """The broker's queue for a queue of jobs. What it is made of goes with its name."""
    return Queue(
        f"{PREFIX}.{name}",
        Exchange(""),  # the one that every broker has: a message's key is the queue's name
        routing_key=f"{PREFIX}.{name}",
        alias=name,  # for `celery worker -Q`
        durable=True,
        expires=UNUSED_QUEUE_SECONDS,
        message_ttl=MESSAGE_SECONDS,
        max_length=MOST_MESSAGES,
        queue_arguments={"x-queue-type": "quorum"},  # survives the loss of a node
    )


def settings_of_celery() -> dict[str, Any]:
    """Read when they are first needed: the kinds cannot be imported before this package is."""
    return {
        "task_queues": [queue_of(name) for name in consumed_queues()],
        "task_create_missing_queues": False,
        "task_default_exchange": "",  # else one named celery, which may be somebody else's
        "task_ignore_result": True,  # what came of a job is in its row
        # A message is done when its look is: a busy worker must not hoard what wakes idle ones.
        "task_acks_late": True,
        "worker_prefetch_multiplier": 1,
        "worker_concurrency": get_settings().job_workers or default_workers(),
        "worker_pool": f"{__name__}:ThreadsWithChildren",
        "worker_consumer": TolerantConsumer,
        # At a lost connection the jobs go on: another look finds their rows taken.
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_enable_prefetch_count_reduction": False,
        # For `celery inspect` and `celery control`. By default the queue is its connection's alone:
        # a second worker of a host would not start.
        "control_exchange": PREFIX,
        "control_queue_exclusive": False,
        "control_queue_durable": True,
        "event_exchange": f"{PREFIX}.events",
        "broker_connection_timeout": CONNECT_SECONDS,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_heartbeat": 30,
        "task_publish_retry_policy": {"max_retries": 1, "interval_start": 0, "interval_max": 0.2},
        **(_of_redis() if broker.is_redis else _of_rabbitmq()),
    }


def _of_redis() -> dict[str, Any]:
    checked: dict[str, Any] = {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True}
    if broker.broker_ca_file:
        checked["ssl_ca_certs"] = str(broker.broker_ca_file)
    return {
        "broker_transport": TolerantRedis,
        "broker_use_ssl": checked if broker.is_encrypted else False,
        "broker_transport_options": {
            "global_keyprefix": f"{PREFIX}:",
            "socket_connect_timeout": CONNECT_SECONDS,
            "socket_timeout": ANSWER_SECONDS,
        },
    }


def _of_rabbitmq() -> dict[str, Any]:
    # Without a file py-amqp reads the system's certificates.
    ca_file = str(broker.broker_ca_file) if broker.broker_ca_file else None
    checked = {"cert_reqs": ssl.CERT_REQUIRED, "ca_certs": ca_file, "server_hostname": broker.host}
    return {
        "broker_use_ssl": checked if broker.is_encrypted else False,
        "broker_transport_options": {
            "confirm_publish": True,  # else a message that nobody took counts as published
            "read_timeout": ANSWER_SECONDS,  # or a worker waits for ever when the broker is silent
        },
    }


app = Celery(
    "offload",
    broker=broker.broker_url,
    amqp=NamedAMQP,
    set_as_current=False,  # beside one of the user's
)
app.add_defaults(settings_of_celery)
app.steps["consumer"].add(SignalWakeup)


@app.task(name=LOOK, shared=False)
def look(queue: str) -> None:
    """Run what waits in a queue of jobs."""
    children.look(queue)


def _publish(queue: str) -> None:
    options: dict[str, Any] = {
        "shadow": f"look in {queue}",  # how monitors name it
        "timeout": CONNECT_SECONDS,
        "confirm_timeout": CONNECT_SECONDS,  # for RabbitMQ's word that it has the message
    }
    look.apply_async((queue,), queue=queue_of(queue), **options)


def _ping() -> None:
    with app.connection_for_write() as connection:
        connection.connect()


notifier = Notifier(_publish, _ping)
children = Children(notifier)


@signals.setup_logging.connect
def _set_up_logging(**_: object) -> None:
    logs.configure()
    tracing.configure()


@signals.celeryd_init.connect
def _check(**_: object) -> None:
    if broker.broker_url is None:
        raise SystemExit(NOT_SET)


@signals.worker_shutting_down.connect
def _hear_stops_once(**_: object) -> None:
    ignore_stops()  # at others Celery would end in the middle of what gives back the jobs

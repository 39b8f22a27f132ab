"""The Dramatiq worker: `dramatiq app.worker --processes 1 --threads N`.

A message carries a report's id and nothing else; the row says whether it is to be run. So a message
that comes twice, or too late, does no harm, and one that is lost is rung for again.

A thread cannot be killed, and a process of Dramatiq's own that dies takes the worker along. So each
of the N threads hands its report to a child process of a pool.
"""

import asyncio
from pathlib import Path
from uuid import UUID

import dramatiq
import pika  # type: ignore[import-untyped]
import structlog
from dramatiq.asyncio import async_to_sync
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import AsyncIO, Middleware, Retries, TimeLimit
from redis import Redis

from app.broker import (
    ALIVE_SECONDS,
    ANSWER_SECONDS,
    CONNECT_SECONDS,
    NOT_SET,
    get_broker_settings,
)
from app.logs import configure_logging
from app.pipeline import new_token
from app.pool import SupervisedPool
from app.settings import get_settings

log = structlog.get_logger()
settings, queue = get_settings(), get_broker_settings()

DEFAULT_URL = "redis://"  # nothing connects to it: without a BROKER_URL nobody publishes or works
RABBITMQ_OPTIONS = "heartbeat=30&blocked_connection_timeout=5&socket_timeout=2&stack_timeout=3"


class ChildProcesses(Middleware):
    """The pool of a worker process; it lives on the event loop of the AsyncIO middleware."""

    pool: SupervisedPool

    def after_process_boot(self, broker: dramatiq.Broker) -> None:
        """Set up what this process has for itself."""
        configure_logging()
        if queue.broker_url is None:
            raise SystemExit(NOT_SET)

    def before_worker_boot(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        """Start as many children as there are threads."""
        self.pool = SupervisedPool(worker.worker_threads)
        async_to_sync(self._start)()

    def before_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        """Take nothing new; let what runs end within the grace period, then interrupt it."""
        log.info("worker_stops", grace_seconds=settings.shutdown_grace_seconds)
        for consumer in worker.consumers.values():
            consumer.pause()
        for thread in worker.workers:
            thread.pause()
        async_to_sync(self.pool.drain)(settings.shutdown_grace_seconds)
        async_to_sync(self.pool.stop)()

    async def _start(self) -> None:
        await self.pool.start()
        if path := queue.worker_alive_file:
            self._alive = asyncio.create_task(_show_life(path))


async def _show_life(path: Path) -> None:
    while True:
        await asyncio.to_thread(path.touch)
        await asyncio.sleep(ALIVE_SECONDS)


children = ChildProcesses()
middleware: list[Middleware] = [TimeLimit(), Retries(), AsyncIO(), children]


def _make_broker() -> RedisBroker | RabbitmqBroker:
    """The broker of BROKER_URL; it connects when it is first used."""
    url = queue.broker_url or DEFAULT_URL
    if not queue.is_redis:
        return RabbitmqBroker(
            url=f"{url}{'&' if '?' in url else '?'}{RABBITMQ_OPTIONS}",
            middleware=middleware,
            confirm_delivery=True,  # otherwise a message that nobody took counts as sent
        )
    return RedisBroker(  # type: ignore[no-untyped-call]
        client=Redis.from_url(
            url, socket_connect_timeout=CONNECT_SECONDS, socket_timeout=ANSWER_SECONDS
        ),
        middleware=middleware,
        namespace=queue.queue_name,
        # Each command looks for what dead workers held; by default one in a thousand does.
        maintenance_chance=1_000_000,
    )


broker = _make_broker()
dramatiq.set_broker(broker)


@dramatiq.actor(
    actor_name="run_report",
    queue_name=queue.queue_name,
    max_retries=20,  # of one message; the row counts the runs, and is rung for again
    min_backoff=round(settings.retry_seconds * 1000),
    max_backoff=round(settings.retry_max_seconds * 1000),
    # The children are killed at the deadline; this is for a pool that does not answer.
    time_limit=2000 * settings.job_deadline_seconds,
)
async def run(report_id: str) -> None:
    """Run a report, if it is to be run."""
    if await children.pool.run_once(UUID(report_id), new_token()):
        raise dramatiq.Retry


def ping() -> None:
    """Raises when the broker does not answer."""
    if isinstance(broker, RedisBroker):
        broker.client.ping()
    else:
        pika.BlockingConnection(broker.parameters).close()

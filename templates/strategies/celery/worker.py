"""The Celery worker: `celery -A app.worker worker`.

A message carries a report's id and nothing else; the row says whether it is to be run. So a message
that comes twice, or too late, does no harm, and one that is lost is rung for again.
"""

import math
import os
import signal
import time
from functools import partial
from multiprocessing.sharedctypes import RawValue
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from celery import Celery, signals
from celery.exceptions import Reject
from kombu.transport import redis as redis_transport

from app.broker import ALIVE_SECONDS, ANSWER_SECONDS, CONNECT_SECONDS, NOT_SET, get_broker_settings
from app.children import begin_child, default_workers
from app.database import get_engine
from app.logs import configure_logging
from app.pipeline import new_token, run_report
from app.settings import OVERDUE_GRACE_SECONDS, get_settings

log = structlog.get_logger()
settings, broker = get_settings(), get_broker_settings()

# A child ends itself when its report does not heed the deadline. It cannot while C code holds the
# GIL: that is what Celery's own limit is for.
HARD_LIMIT_SECONDS = settings.job_deadline_seconds + 2 * OVERDUE_GRACE_SECONDS


# When Redis goes away under a running report, Celery 5.7.0 ends: it wants to put the message back
# over a connection that is closed. What is not put back, the janitor rings for again.
redis_transport.Channel.do_restore = False


class RunAgain(Exception):
    """The report is to be run again after a while."""


def _of_the_broker() -> dict[str, Any]:
    if not broker.is_redis:
        return {
            "task_default_queue_type": "quorum",
            "task_default_exchange_type": "topic",  # Celery's delayed delivery needs it
            # Without confirms a message that nobody took counts as published.
            "broker_transport_options": {"confirm_publish": True},
        }
    return {
        "broker_transport_options": {
            "global_keyprefix": f"{broker.queue_name}:",
            "socket_connect_timeout": CONNECT_SECONDS,
            "socket_timeout": ANSWER_SECONDS,
            # A message unacknowledged for longer goes to another worker: longer than any run, and
            # the wait before it, for a worker holds what it is to run later.
            "visibility_timeout": 2 * HARD_LIMIT_SECONDS + settings.retry_max_seconds,
            # How often each worker looks for such messages; by default hardly ever.
            "unacked_restore_interval": 10,
            "unacked_restore_throttle": 1,
        },
    }


app = Celery("reports", broker=broker.broker_url)
app.conf.update(
    _of_the_broker(),
    task_default_queue=broker.queue_name,
    task_default_exchange=broker.queue_name,
    task_default_routing_key=broker.queue_name,
    # For `celery inspect` and `celery control`. By default the queue is its connection's alone: the
    # second worker of a host does not start, nor does one whose old connection is not yet missed.
    control_exchange=broker.queue_name,
    control_queue_exclusive=False,
    control_queue_durable=True,
    # What came of a report is in its row.
    task_ignore_result=True,
    # A worker that dies has not acknowledged what it held.
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_retry_on_worker_lost=True,  # counted, where a rejected message would come back for ever
    worker_prefetch_multiplier=1,  # a waiting report is any worker's
    worker_concurrency=settings.job_workers or default_workers(),
    worker_max_memory_per_child=settings.job_memory_mb and 800 * settings.job_memory_mb,  # KiB
    worker_max_tasks_per_child=settings.job_tasks_per_child,
    task_time_limit=HARD_LIMIT_SECONDS,
    worker_soft_shutdown_timeout=settings.shutdown_grace_seconds,  # at SIGQUIT
    # At a lost connection the reports go on: a second delivery finds their rows taken.
    worker_cancel_long_running_tasks_on_connection_loss=False,
    broker_connection_timeout=CONNECT_SECONDS,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_heartbeat=30,
    task_publish_retry_policy={"max_retries": 1, "interval_start": 0, "interval_max": 0.2},
)


@app.task(
    name="reports.run",
    autoretry_for=(RunAgain,),
    retry_backoff=max(1, round(settings.retry_seconds)),
    retry_backoff_max=round(settings.retry_max_seconds),
    retry_jitter=True,
    default_retry_delay=1,  # after a lost worker: the row's lease says when it runs
    max_retries=20,  # of one message; the row counts the runs, and is rung for again
)
def run(report_id: str) -> None:
    """Run a report, if it is to be run."""
    if not run_report(UUID(report_id), new_token(), _is_stopping, _end_process):
        return
    if _is_stopping():
        raise Reject("this worker stops", requeue=True)
    raise RunAgain


# When the children are to give up what they run; all of them see the same memory.
_stop_at = RawValue("d", math.inf)


def _is_stopping() -> bool:
    return time.monotonic() > float(_stop_at.value)


def _end_process() -> None:
    os.kill(os.getpid(), signal.SIGKILL)  # Celery starts another one


@signals.setup_logging.connect
def _set_up_logging(**_: object) -> None:
    configure_logging()


@signals.celeryd_init.connect
def _check(**_: object) -> None:
    if broker.broker_url is None:
        raise SystemExit(NOT_SET)


@signals.worker_init.connect
def _before_the_fork(**_: object) -> None:
    import app.compute
    import app.pdf
    import app.storage  # noqa: F401 (the children share what is loaded now)


@signals.worker_process_init.connect
def _after_the_fork(**_: object) -> None:
    get_engine().dispose(close=False)  # connections must not be shared with the parent
    begin_child()


@signals.worker_ready.connect
def _show_life(sender: Any, **_: object) -> None:
    if alive_file := broker.worker_alive_file:
        alive_file.touch()
        sender.timer.call_repeatedly(ALIVE_SECONDS, alive_file.touch)
        # Celery's loop, and its timer, stand still while it connects anew; the reports go on. An
        # alarm, because a thread would be there when the next child is forked.
        signal.signal(signal.SIGALRM, partial(_show_life_without_broker, sender, alive_file))
        signal.setitimer(signal.ITIMER_REAL, ALIVE_SECONDS, ALIVE_SECONDS)


def _show_life_without_broker(consumer: Any, alive_file: Path, *_: object) -> None:
    if consumer.connection is None:
        alive_file.touch()


@signals.worker_shutting_down.connect
def _before_the_end(**_: object) -> None:
    _stop_at.value = time.monotonic() + settings.shutdown_grace_seconds
    log.info("worker_stops", grace_seconds=settings.shutdown_grace_seconds)

"""Deletes the queues that begin with QUEUE_PREFIX from the broker of BROKER_URL."""

import os

from offload.queue_strategies.brokers import forget  # of the project's tests

forget(os.environ["BROKER_URL"], os.environ["QUEUE_PREFIX"])

"""Deletes the queue of QUEUE_NAME from the broker of BROKER_URL."""

import os

from broker import forget  # of the project's tests

forget(os.environ["BROKER_URL"], os.environ["QUEUE_NAME"])

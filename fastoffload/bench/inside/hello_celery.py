"""The bare engine: a Celery task that only notes its end. As a script it queues as many as told."""

import os
import sys

from celery import Celery
from ends import note

URL, QUEUE = os.environ["BROKER_URL"], os.environ["QUEUE_PREFIX"]

app = Celery("hello", broker=URL)
app.conf.update(task_ignore_result=True, task_default_queue=QUEUE)
if URL.startswith("redis"):
    app.conf.broker_transport_options = {"global_keyprefix": f"{QUEUE}:"}


@app.task(name="hello")
def hello() -> None:
    """The whole job."""
    note()


if __name__ == "__main__":
    for _ in range(int(sys.argv[1])):
        hello.delay()

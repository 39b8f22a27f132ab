"""The bare engine: an actor that only notes its end. As a script it queues as many as told."""

import os
import sys

import dramatiq
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.brokers.redis import RedisBroker
from ends import note

URL, QUEUE = os.environ["BROKER_URL"], os.environ["QUEUE_PREFIX"]

if URL.startswith("redis"):
    dramatiq.set_broker(RedisBroker(url=URL, namespace=QUEUE))
else:
    dramatiq.set_broker(RabbitmqBroker(url=URL))


@dramatiq.actor(queue_name=QUEUE)
def hello() -> None:
    """The whole job."""
    note()


if __name__ == "__main__":
    for _ in range(int(sys.argv[1])):
        hello.send()

"""Which broker rings the doorbell: Redis (or Valkey) or RabbitMQ, by BROKER_URL."""

from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

from app.settings import CONFIG, load

REDIS = {"redis", "rediss"}
RABBITMQ = {"amqp", "amqps"}

NOT_SET = "BROKER_URL is not set; `uv run honcho start` brings a broker of its own"

# What a broker that does not answer may cost a publisher or a consumer, each time it is tried.
CONNECT_SECONDS = 2
ANSWER_SECONDS = 5

ALIVE_SECONDS = 10  # between two signs of life of a worker


class BrokerSettings(BaseSettings):
    """The settings of the queue."""

    model_config = CONFIG

    broker_url: str | None = None  # None: nothing can be rung for until it is set
    # Several services may share a broker. Take a new name when you change what the queue is made
    # of: RabbitMQ refuses to declare an existing queue otherwise.
    queue_name: str = Field(default="reports", pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=50)

    # A file that the worker touches while it works, for health checks.
    worker_alive_file: Path | None = None

    @field_validator("broker_url")
    @classmethod
    def _known_broker(cls, value: str | None) -> str | None:
        scheme = urlsplit(value or "redis://").scheme
        if scheme not in REDIS | RABBITMQ:
            raise ValueError(f"{scheme}:// is not supported; use redis:// or amqp://")
        # Celery's libraries take "//" for the virtual host "/", Dramatiq's for one without a name.
        return value.removesuffix("/") if value and value.endswith("//") else value

    @property
    def is_redis(self) -> bool:
        """Whether the broker speaks Redis's protocol."""
        return urlsplit(self.broker_url or "redis://").scheme in REDIS


@lru_cache
def get_broker_settings() -> BrokerSettings:
    """The queue's settings in this process, read once."""
    return load(BrokerSettings)

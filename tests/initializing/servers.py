"""Servers that whoever runs the tests gives by URL; what needs one is reported as not run else."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest

SERVER = os.environ.get("DATABASE_URL", "")
BROKER = os.environ.get("REDIS_URL", "")
NEEDS_SERVER = pytest.mark.skipif(
    not SERVER.startswith("postgresql"), reason="DATABASE_URL names no PostgreSQL"
)
NEEDS_BROKER = pytest.mark.skipif(not BROKER, reason="REDIS_URL names no Redis")


@contextmanager
def database() -> Iterator[str]:
    """One of the test's own on the server."""
    name = f"init_{uuid4().hex[:8]}"
    parts = urlsplit(SERVER)._replace(scheme="postgresql")
    with psycopg.connect(parts.geturl(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        try:
            yield parts._replace(scheme="postgresql+psycopg", path=f"/{name}").geturl()
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())

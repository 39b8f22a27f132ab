"""A defence that is taken out."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

OFFLOAD, TESTS = "app/offload", "tests/offload"
# What these say is said by a service that they start.
FAULTS, BROKER = f"{TESTS}/faults", f"{TESTS}/queue_strategies"

Edit = tuple[str, str, str]
"""A file, a text that it has once, and what takes its place."""


@dataclass(frozen=True)
class Server:
    """One of the user's, and the variable that names it."""

    variable: str
    scheme: str

    @property
    def is_given(self) -> bool:
        """Whether the environment names one of this kind."""
        return os.environ.get(self.variable, "").startswith(self.scheme)


POSTGRESQL = Server("DATABASE_URL", "postgresql+psycopg://")
RABBITMQ = Server("BROKER_URL", "amqp://")


@dataclass(frozen=True)
class Mutation:
    """A defence, how it is taken out of a variant, and the test that must notice."""

    defence: str
    edits: Sequence[Edit]
    test: str
    variant: str = "executor-process"
    server: Server | None = None  # where it shows on such a one alone

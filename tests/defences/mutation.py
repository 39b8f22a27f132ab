"""A defence that is taken out."""

from collections.abc import Sequence
from dataclasses import dataclass

OFFLOAD, TESTS = "app/offload", "tests/offload"
# What these say is said by a service that they start.
FAULTS, BROKER = f"{TESTS}/faults", f"{TESTS}/queue_strategies"

Edit = tuple[str, str, str]
"""A file, a text that it has once, and what takes its place."""


@dataclass(frozen=True)
class Mutation:
    """A defence, how it is taken out of a variant, and the test that must notice."""

    defence: str
    edits: Sequence[Edit]
    test: str
    variant: str = "executor-process"
    on_server: bool = False  # shows on PostgreSQL alone

"""What every strategy offers the rest of the service."""

from collections.abc import Awaitable, Callable
from typing import Protocol
from uuid import UUID

Submit = Callable[[UUID], Awaitable[None]]
"""Rings the doorbell for a report whose row is committed. Never waits for the report."""


class Offloader(Protocol):
    """Runs reports off the event loop."""

    async def submit(self, report_id: UUID) -> None:
        """Have a report run."""

    async def check(self) -> dict[str, str | None]:
        """The parts that the strategy needs, each with what is wrong with it, or None."""

"""What the doctor finds: by reading or by running, it is said in the same words."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "route", "dependency", "middleware", "websocket", "background", "startup", "resolver"
]
Action = Literal["def", "wrap", "job"]


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the user's code."""

    file: str
    """Relative to the project's root, with `/` between its parts."""
    line: int


@dataclass(frozen=True, slots=True)
class Remedy:
    """What to do: make it a plain `def`, wrap this call, or make it a job."""

    action: Action
    advice: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A call that holds the event loop, and how the loop comes to it."""

    entry: str
    """What runs on the loop: `GET /orders/{id}`, `dependency get_user`, `WebSocket /ws`, …"""
    kind: Kind
    call: str
    """What blocks, dotted: `requests.get`."""
    cause: str
    """`waits`, `computes` or `files`: the category of the call."""
    place: Place
    """Where it blocks."""
    chain: tuple[str, ...]
    """Functions from the entry to the place."""
    remedy: Remedy
    seconds: float | None = None
    """Measured; None: by reading."""
    how: str = ""
    """Of what was measured and computes: `in Python`, `in C`, or `in C, with the GIL`."""

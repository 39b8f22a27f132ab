"""A kind of job: what it takes and gives, and how it is run.

A folder below `jobs/` has one: `kind.py` makes the Kind, `work.py` the function that does it. The
API imports the first only; what the second needs is loaded where jobs run and nowhere else.
"""

import inspect
import json
import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import inf
from typing import Any, Generic, TypeVar, overload
from uuid import UUID

from pydantic import BaseModel, RootModel
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import Session, scoped_session

from .errors import MistakeInKind, Refused
from .run import Run

P = TypeVar("P", bound=BaseModel)
R = TypeVar("R", bound=BaseModel)

NAME = re.compile(r"[a-z][a-z0-9_]{0,49}")
QUEUE = re.compile(r"[a-z][a-z0-9_-]{0,49}")
PREFIX = re.compile(r"(/[a-z0-9_-]+)+")

Work = Callable[[Run, P], R] | Callable[[Run, P], Coroutine[Any, Any, R]]
Prepare = Callable[[Connection, P], P]
"""Looks at what is asked for in the transaction that accepts it, and pins what may change later.

It may raise Refused, with the HTTP status of the answer.
"""


def dump_params(params: BaseModel) -> dict[str, Any]:
    """Parameters as they stand in a row: JSON that their model takes again. Raises Refused."""
    stored = params.model_dump(mode="json", by_alias=True, round_trip=True)
    try:
        json.dumps(stored, allow_nan=False)
    except ValueError:
        raise Refused(422, "NaN and infinity are no JSON, and cannot be kept.") from None
    return stored


def load_params(model: type[P], stored: Mapping[str, Any]) -> P:
    """What `dump_params` gave. Read as JSON, for a strict model takes no date that is a str."""
    return model.model_validate_json(json.dumps(stored))


@dataclass(frozen=True)
class Input:
    """A file that comes with a job: what it may be, how long (in bytes), and how many of them."""

    media_types: tuple[str, ...] = ("*/*",)
    max_bytes: int = 100_000_000
    required: bool = True
    many: int = 1


class Kind(Generic[P, R]):
    """What is common to all jobs of one kind."""

    def __init__(
        self,
        name: str,
        params: type[P],
        result: type[R],
        *,
        title: str | None = None,
        inputs: Mapping[str, Input] | None = None,
        queue: str = "default",
        deadline_seconds: float = 600,
        max_attempts: int = 3,
        retry_seconds: float = 5,
        max_waiting: int = 100,
        prefix: str | None = None,
        prepare: Prepare[P] | None = None,
    ) -> None:
        """The numbers are: the longest a run may take; how many runs may fail for now or die; the
        first wait after a TransientError, doubled each time; how many jobs may wait (one more is
        answered 429). Raises MistakeInKind.
        """
        self.name, self.params, self.result = name, params, result
        self.title = title or name.replace("_", " ").capitalize()
        self.inputs = dict(inputs or {})
        self.queue = queue
        self.deadline_seconds, self.max_attempts = deadline_seconds, max_attempts
        self.retry_seconds, self.max_waiting = retry_seconds, max_waiting
        self.prefix = prefix or f"/jobs/{name}"
        self.prepare = prepare
        self.function: Work[P, R] | None = None
        self._check()

    def _check(self) -> None:
        for what, pattern, value in (
            ("name", NAME, self.name),
            ("queue", QUEUE, self.queue),
            ("prefix", PREFIX, self.prefix),
        ):
            if not pattern.fullmatch(value):
                raise MistakeInKind(
                    f"Kind {self.name!r}: the {what} {value!r} must match {pattern.pattern}"
                )
        for model in (self.params, self.result):
            if not (isinstance(model, type) and issubclass(model, BaseModel)):
                raise MistakeInKind(f"Kind {self.name!r}: {model!r} is no pydantic model")
            if issubclass(model, RootModel):
                raise MistakeInKind(
                    f"Kind {self.name!r}: {model.__name__} is a RootModel; take a model with fields"
                )
        for name in self.inputs:
            if not NAME.fullmatch(name) or name == "params":  # as the part of the form is called
                raise MistakeInKind(
                    f"Kind {self.name!r}: the input {name!r} must match {NAME.pattern},"
                    " and not be called params"
                )
        numbers = (self.deadline_seconds, self.retry_seconds, self.max_attempts, self.max_waiting)
        if not all(0 < number < inf for number in numbers):
            raise MistakeInKind(f"Kind {self.name!r}: its numbers must be above zero, and finite")

    @overload
    def work(
        self, function: Callable[[Run, P], Coroutine[Any, Any, R]]
    ) -> Callable[[Run, P], Coroutine[Any, Any, R]]: ...

    @overload
    def work(self, function: Callable[[Run, P], R]) -> Callable[[Run, P], R]: ...

    def work(self, function: Any) -> Any:
        """Make the function what jobs of this kind do; a plain `def`, or an `async def`.

        An `async def` gets an event loop of its own, beside no request.
        Raises MistakeInKind when there is one already, or it takes something else.
        """
        if self.function is not None and _name(self.function) != _name(function):
            raise MistakeInKind(
                f"Kind {self.name!r} has two functions under @KIND.work: {_name(self.function)} and"
                f" {_name(function)}; leave it one"
            )
        signature = inspect.signature(function)
        try:
            signature.bind("run", "params")
        except TypeError:
            raise MistakeInKind(
                f"{_name(function)} must take (run, params), not {signature}"
            ) from None
        self.function = function
        return function

    @overload
    def enqueue(
        self,
        session: Session | scoped_session[Any] | Connection,
        params: P,
        *,
        priority: int = 0,
        run_at: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> UUID: ...

    @overload
    def enqueue(
        self,
        session: AsyncSession | AsyncConnection,
        params: P,
        *,
        priority: int = 0,
        run_at: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> Awaitable[UUID]: ...

    def enqueue(
        self,
        session: Any,
        params: P,
        *,
        priority: int = 0,
        run_at: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> UUID | Awaitable[UUID]:
        """Add a job in the caller's own transaction: it exists exactly if the caller commits.

        Its id; that of the job there is already when the key was used before. To be awaited when
        the session is asynchronous. A higher priority runs sooner; nothing runs before `run_at`.
        """
        from .queue.enqueue import enqueue  # which imports the tables; kind.py need not

        added: UUID | Awaitable[UUID] = enqueue(
            session,
            self,
            params,
            priority=priority,
            run_at=run_at,
            idempotency_key=idempotency_key,
        )
        return added


def _name(function: Callable[..., Any]) -> str:
    return f"{function.__module__}.{function.__qualname__}"

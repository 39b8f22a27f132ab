"""Requests to each route, twice, and what came of them."""

from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPException
from typing import TypeGuard

from fastoffload.doctor.report import NotJudged
from fastoffload.doctor.running.application import Application
from fastoffload.doctor.running.operations import SOCKET, Operation, operations, socket
from fastoffload.doctor.running.options import DriveOptions
from fastoffload.errors import FastoffloadError

REFUSED = (401, 403)
CANARY_EVERY = 5  # operations
OPENED = "opened and closed, without a message; --attach watches what these do"
UNASKED = "not asked for what its resolvers give; --attach watches them"


@dataclass
class Requests:
    """Drives an application. Afterwards it tells what was sent, and what of it counts."""

    application: Application
    options: DriveOptions
    sent: list[Operation] = field(default_factory=list)
    """Of each request by its number, what it was."""
    not_judged: list[NotJudged] = field(default_factory=list)
    stopped_because: str | None = None
    _statuses: list[int | None] = field(default_factory=list)
    _canary: tuple[Operation, int] | None = None

    def run(self) -> None:
        """Drive all that may be driven, until it is over or not to be trusted any more."""
        for number, operation in enumerate(self._operations()):
            if operation.cannot:
                self.not_judged.append(NotJudged(operation.name, operation.cannot))
                continue
            self._drive(operation)
            is_due = operation.method != "GET" or number % CANARY_EVERY == CANARY_EVERY - 1
            if is_due and not self.stopped_because:
                self._look_at_canary(operation)
            if self.stopped_because:
                return
        if self.sent:
            self._look_at_canary(self.sent[-1])

    def counts(self, number: int) -> bool:
        """Whether a request's stalls are findings: not those of a first call that has a second."""
        same = [index for index, sent in enumerate(self.sent) if sent == self.sent[number]]
        if number > same[0] or len(same) == 1:
            return True
        # A second POST or DELETE may be refused at once, and shows nothing.
        first, second = (self._statuses[index] for index in same[:2])
        return _is_success(first) and not _is_success(second)

    def _operations(self) -> list[Operation]:
        ready = self.application.ready
        if ready["openapi"] is None:
            raise FastoffloadError(
                f"the application gives no OpenAPI document to drive it by ({ready['why']});"
                " watch it under your own traffic or tests instead: fastoffload doctor --attach"
            )
        found = list(operations(ready["openapi"]))
        others = [one for one in found if one.method not in self.options.methods]
        self.not_judged += [
            NotJudged(one.name, f"not asked without --method {one.method}") for one in others
        ]
        self.not_judged += [NotJudged(f"GraphQL {path}", UNASKED) for path in ready["graphql"]]
        return [one for one in found if one.method in self.options.methods] + self._sockets()

    def _sockets(self) -> list[Operation]:
        """Opening one sends nothing, as GET does."""
        sockets = [socket(path) for path in self.application.ready["websockets"]]
        if "GET" not in self.options.methods:
            why = "not opened without --method GET"
        elif not self.application.ready["opens_sockets"]:
            why = "not opened: its environment has no package websockets"
        else:
            return sockets
        self.not_judged += [NotJudged(each.name, why) for each in sockets]
        return []

    def _drive(self, operation: Operation) -> None:
        statuses = [self._ask(operation)]
        if statuses[0] is not None:
            statuses.append(self._ask(operation))
        status = next(filter(_is_success, statuses), statuses[-1])
        if None in statuses:
            self._judge_silence(operation)
        elif not _is_success(status):
            remedy = ", give credentials with --header" if status in REFUSED else ""
            self.not_judged.append(NotJudged(operation.name, f"answered {status}{remedy}"))
        elif operation.method == SOCKET:
            self.not_judged.append(NotJudged(operation.name, OPENED))
        elif self._canary is None or (operation.secured and not self._canary[0].secured):
            self._canary = operation, status

    def _ask(self, operation: Operation) -> int | None:
        """The status; None: no answer, or no end of its background tasks, in time."""
        status = None
        with suppress(OSError, HTTPException):
            status = self._send(operation)
        if status is not None and not self.application.await_done(len(self.sent)):
            status = None
        self.sent.append(operation)
        self._statuses.append(status)
        return status

    def _send(self, operation: Operation) -> int:
        number, path = len(self.sent), operation.path
        headers = {**operation.headers, **self.options.headers}
        if operation.method == SOCKET:
            return self.application.open_socket(number, path, headers)
        return self.application.ask(number, operation.method, path, headers, operation.body)

    def _judge_silence(self, operation: Operation) -> None:
        within = f"within {self.options.timeout:g} s"
        if self.application.has_ended():
            last = self.application.last_line()
            self.stopped_because = f"the application ended at {operation.name}: {last}"
            return
        self.not_judged.append(NotJudged(operation.name, f"not done {within}"))
        if self.application.settle():
            self.stopped_because = f"{operation.name} still blocks the loop, not done {within}"

    def _look_at_canary(self, after: Operation) -> None:
        """Whether what succeeded before is refused now: then something ended the login."""
        if self._canary is None:
            return
        operation, before = self._canary
        status = self._ask(operation)
        if status in REFUSED:
            self.stopped_because = (
                f"{operation.name} answered {before} before and {status} after {after.name}:"
                " what was driven has ended the login or taken rights away"
            )


def _is_success(status: int | None) -> TypeGuard[int]:
    return status is not None and status < HTTPStatus.BAD_REQUEST

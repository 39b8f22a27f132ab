"""A pytest plugin: a test fails whose request blocks the event loop for longer than a limit."""

from collections.abc import Generator
from importlib import import_module
from typing import Any

import pytest

from fastoffload.doctor.running.watch.stall import Stall
from fastoffload.doctor.running.watch.watcher import LIMIT_SECONDS, Watcher

Foreign = Any  # of the tested environment: its types are not known here

OPTION, INI = "--blocking-limit", "blocking_limit"
REQUESTS = ("http", "websocket")


class Blocking:
    """Watches the loop of each request to an application, and judges the tests by what it saw."""

    def __init__(self, limit: float, root: str) -> None:
        self._watcher = Watcher(limit, (root,), self._note)
        self._stalls: list[Stall] = []

    def watch_requests(self) -> None:
        """Look at every application's requests from now on."""
        applications = import_module("starlette.applications").Starlette
        call, watcher = applications.__call__, self._watcher

        async def watched(
            application: Foreign, scope: Foreign, receive: Foreign, send: Foreign
        ) -> None:
            watcher.watch_running_loop()
            await call(application, scope, receive, send)

        applications.__call__ = watched

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Generator[None, object, object]:
        """Fail the test after its end. What its fixtures asked for before is not its own."""
        self._watcher.settle()
        self._stalls.clear()
        result = yield
        self._watcher.settle()
        if self._stalls:
            lines = [str(stall) for stall in self._stalls]
            pytest.fail("\n".join(lines), pytrace=False)
        return result

    def _note(self, stall: Stall) -> None:
        if stall.scope and stall.scope["type"] in REQUESTS:
            self._stalls.append(stall)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The limit, on the command line or in the configuration."""
    says = f"seconds for which a request may block the event loop (default {LIMIT_SECONDS})"
    parser.getgroup("fastoffload").addoption(OPTION, type=float, help=says)
    parser.addini(INI, says)


def pytest_configure(config: pytest.Config) -> None:
    """Watch, with the limit that was chosen; raises UsageError for one that is no number."""
    chosen = config.getoption(OPTION) or config.getini(INI) or LIMIT_SECONDS
    try:
        blocking = Blocking(float(chosen), str(config.rootpath))
    except ValueError:
        raise pytest.UsageError(f"{INI} is {chosen!r}; give a number of seconds") from None
    blocking.watch_requests()
    config.pluginmanager.register(blocking, "fastoffload-blocking")

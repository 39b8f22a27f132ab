"""Fixtures of the engine's tests: a service for those that leave it as it was, or one's own.

What they need is imported late: in an application that is not fastoffload's, its own run of pytest
comes by here, and goes on.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from offload.service import Service, ServiceMaker

HERE = Path(__file__).resolve().parent
STAND_IN = HERE / "stand_in"

# The Procfile's programs are found where the environment is not activated, too.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def pytest_configure(config: pytest.Config) -> None:
    """Where these tests run by themselves, let services hear of signals that are ignored here."""
    if config.rootpath == HERE:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    """Leave these tests to a run of their own, where they have settings for it."""
    has_own = STAND_IN.is_dir()
    return True if has_own and config.rootpath != HERE else None


@pytest.fixture(scope="session")
def own_settings() -> Callable[[], dict[str, str]]:
    """Gives a service the settings that its strategy wants each to have of its own."""
    return dict


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory, own_settings: Callable[[], dict[str, str]]
) -> "Iterator[Service]":
    """The service, shared by the tests of a module."""
    from offload.databases import private_database
    from offload.service import Service

    folder = tmp_path_factory.mktemp("service")
    with private_database(folder) as url, Service(folder, url, **own_settings()) as running:
        yield running


@pytest.fixture
def make_service(
    tmp_path: Path, own_settings: Callable[[], dict[str, str]]
) -> "Iterator[ServiceMaker]":
    """Makes a service of the test's own, not started yet; settings may be given."""
    from offload.databases import private_database
    from offload.service import Service

    with ExitStack() as stack:
        url = stack.enter_context(private_database(tmp_path))

        def make(**settings: str) -> Service:
            service = Service(tmp_path, url, **(own_settings() | settings))
            stack.push(service.__exit__)
            return service

        yield make

"""Fixtures of the engine's tests: a service for those that leave it as it was, or one's own."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from offload.databases import private_database
from offload.service import Service, ServiceMaker

# The Procfile's programs are found where the environment is not activated, too.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


@pytest.fixture(scope="session")
def own_settings() -> Callable[[], dict[str, str]]:
    """Gives a service the settings that its strategy wants each to have of its own."""
    return dict


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory, own_settings: Callable[[], dict[str, str]]
) -> Iterator[Service]:
    """The service, shared by the tests of a module."""
    folder = tmp_path_factory.mktemp("service")
    with private_database(folder) as url, Service(folder, url, **own_settings()) as running:
        yield running


@pytest.fixture
def make_service(
    tmp_path: Path, own_settings: Callable[[], dict[str, str]]
) -> Iterator[ServiceMaker]:
    """Makes a service of the test's own, not started yet; settings may be given."""
    with ExitStack() as stack:
        url = stack.enter_context(private_database(tmp_path))

        def make(**settings: str) -> Service:
            service = Service(tmp_path, url, **(own_settings() | settings))
            stack.push(service.__exit__)
            return service

        yield make

"""Fixtures: the service, one for all tests that leave it as it was, or one of their own."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import make_url

from service import COMMANDS, Service, ServiceMaker, private_database

# The Procfile's programs are found where the environment is not activated, too.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

EMBEDDED = "broker: an embedded Valkey for each service"


def pytest_report_header() -> list[str]:
    """Name what the tests run on."""
    url = make_url(os.environ.get("DATABASE_URL", "sqlite:///a private file"))
    header = [f"database: {url.render_as_string()}"]
    if "broker" in COMMANDS:
        broker = urlsplit(os.environ.get("BROKER_URL", ""))
        header.append(f"broker: {broker.scheme}://{broker.hostname}" if broker.scheme else EMBEDDED)
    return header


@pytest.fixture(scope="session")
def own_settings() -> Callable[[], dict[str, str]]:
    """Gives a service the settings that its strategy wants each to have of its own."""
    return dict


@pytest.fixture(scope="session")
def service(
    tmp_path_factory: pytest.TempPathFactory, own_settings: Callable[[], dict[str, str]]
) -> Iterator[Service]:
    """The service, shared by the tests of a session."""
    folder = tmp_path_factory.mktemp("service")
    with (
        private_database(folder) as url,
        Service(folder, url, **own_settings(), MAX_QUEUED="1000") as running,
    ):
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

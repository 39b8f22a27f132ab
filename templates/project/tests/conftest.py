"""Fixtures: the service, one for all tests that leave it as it was, or one of their own."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import make_url

from service import Service, ServiceMaker, private_database


def pytest_report_header() -> str:
    """Name what the tests run on."""
    url = make_url(os.environ.get("DATABASE_URL", "sqlite:///a private file"))
    return f"database: {url.render_as_string()}"


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service, shared by the tests of a session."""
    folder = tmp_path_factory.mktemp("service")
    with private_database(folder) as url, Service(folder, url, MAX_QUEUED="1000") as running:
        yield running


@pytest.fixture
def make_service(tmp_path: Path) -> Iterator[ServiceMaker]:
    """Makes a service of the test's own, not started yet; settings may be given."""
    with ExitStack() as stack:
        url = stack.enter_context(private_database(tmp_path))

        def make(**settings: str) -> Service:
            service = Service(tmp_path, url, **settings)
            stack.push(service.__exit__)
            return service

        yield make

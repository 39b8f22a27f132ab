"""A service whose broker can be broken, with names of its own on it."""

import itertools
import os
from collections.abc import Callable, Iterator

import pytest

from offload.callbacks.databases import with_tables
from offload.queue_strategies.brokers import (
    GIVEN,
    Broker,
    EmbeddedBroker,
    GivenBroker,
    forget,
)
from offload.service import Service

Breakable = tuple[Service, Broker]


@pytest.fixture(scope="session")
def own_settings() -> Iterator[Callable[[], dict[str, str]]]:
    """Gives each service names of its own, and puts away what is left of it in a given broker."""
    numbers, names = itertools.count(), list[str]()

    def settings() -> dict[str, str]:
        names.append(f"test-{os.getpid()}-{next(numbers)}")
        return {"QUEUE_PREFIX": names[-1]}

    yield settings
    if GIVEN:
        for name in names:
            forget(GIVEN, name)


@pytest.fixture(scope="module")
def breakable(
    tmp_path_factory: pytest.TempPathFactory, own_settings: Callable[[], dict[str, str]]
) -> Iterator[Breakable]:
    """The service with a broker that can be broken, shared by the tests of a module."""
    folder, settings = tmp_path_factory.mktemp("breakable"), own_settings()
    given = GivenBroker(GIVEN, settings["QUEUE_PREFIX"]) if GIVEN else None
    if given:
        settings["BROKER_URL"] = given.url
    with with_tables(folder) as url, Service(folder, url, **settings) as service:
        yield service, given or EmbeddedBroker(service)


@pytest.fixture
def told(breakable: Breakable) -> Callable[[], str]:
    """What the service has logged since the test began."""
    service, _ = breakable
    begin = len(service.log.read_text())
    return lambda: service.log.read_text()[begin:]

"""A service whose broker can be broken, with names of its own on it."""

import itertools
import os
from collections.abc import Callable, Iterator

import pytest

from offload.queue_strategies.brokers import (
    GIVEN,
    Broker,
    EmbeddedBroker,
    GivenBroker,
    forget,
)
from offload.service import Service, ServiceMaker

BreakableMaker = Callable[..., tuple[Service, Broker]]


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


@pytest.fixture
def make_breakable(
    make_service: ServiceMaker, own_settings: Callable[[], dict[str, str]]
) -> BreakableMaker:
    """Makes a service, not started yet, with a broker that can be broken."""

    def make(**settings: str) -> tuple[Service, Broker]:
        if GIVEN is None:
            service = make_service(**settings)
            return service, EmbeddedBroker(service)
        own = own_settings()
        broker = GivenBroker(GIVEN, own["QUEUE_PREFIX"])
        return make_service(**settings, **own, BROKER_URL=broker.url), broker

    return make

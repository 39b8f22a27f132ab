"""What the tests of a queue need beside those of every strategy."""

import itertools
import os
from collections.abc import Callable, Iterator

import pytest

from broker import GIVEN, Broker, EmbeddedBroker, GivenBroker, forget
from service import Service, ServiceMaker


@pytest.fixture(scope="session")
def own_settings() -> Iterator[Callable[[], dict[str, str]]]:
    """Gives each service a queue of its own, and puts away what is left of it in a given broker."""
    numbers, names = itertools.count(), list[str]()

    def settings() -> dict[str, str]:
        names.append(f"test-{os.getpid()}-{next(numbers)}")
        return {"QUEUE_NAME": names[-1]}

    yield settings
    if GIVEN:
        for name in names:
            forget(GIVEN, name)


@pytest.fixture
def make_breakable(
    make_service: ServiceMaker, own_settings: Callable[[], dict[str, str]]
) -> Callable[..., tuple[Service, Broker]]:
    """Makes a service, not started yet, with a broker that can be broken."""

    def make(**settings: str) -> tuple[Service, Broker]:
        if GIVEN is None:
            service = make_service(**settings)
            return service, EmbeddedBroker(service)
        own = own_settings()
        broker = GivenBroker(GIVEN, own["QUEUE_NAME"])
        return make_service(**settings, **own, BROKER_URL=broker.url), broker

    return make

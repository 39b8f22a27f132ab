"""How many receivers that hang may be waited for at once."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

from app.offload.callbacks import slots as limits
from app.offload.callbacks.retries import Due
from app.offload.callbacks.slots import AT_ONCE, SLOW_AT_ONCE, UNKNOWN_AT_ONCE, Slots
from app.offload.settings import get_settings

QUICK, SLOW = 0.1, 15.0


@pytest.fixture(autouse=True)
def _default_settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("CALLBACK_PER_HOST", raising=False)
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


def due(*origins: str) -> list[Due]:
    return [Due(uuid4(), origin) for origin in origins]


def hosts(name: str, number: int) -> list[str]:
    return [f"https://{name}{i}" for i in range(number)]


def fill(slots: Slots, found: list[Due]) -> int:
    """Begin what may begin; how many that are."""
    chosen: list[UUID] = slots.choose(found)
    for each in found:
        if each.job_id in chosen:
            slots.begin(each.origin)
    return len(chosen)


def known(slots: Slots, origins: list[str], seconds: float) -> None:
    """Let each receiver have been tried once, for so long."""
    for origin in origins:
        slots.remember(origin, seconds)


def test_a_receiver_has_one_try_until_it_is_known_and_a_few_then() -> None:
    slots = Slots()
    origins = ["https://one"] * 10
    assert fill(slots, due(*origins)) == 1
    assert fill(slots, due(*origins)) == 0
    slots.end("https://one")
    slots.remember("https://one", QUICK)
    assert fill(slots, due(*origins)) == get_settings().callback_per_host == 4
    assert fill(slots, due(*origins)) == 0
    slots.end("https://one")
    assert fill(slots, due(*origins)) == 1


def test_those_that_hung_share_a_few() -> None:
    slots, hanging = Slots(), hosts("hanging", 300)
    known(slots, hanging, SLOW)
    assert fill(slots, due(*hanging)) == SLOW_AT_ONCE
    assert fill(slots, due(*hosts("fresh", 300))) == UNKNOWN_AT_ONCE - SLOW_AT_ONCE


def test_those_that_are_not_known_leave_some_to_those_that_were_quick() -> None:
    slots, quick = Slots(), hosts("quick", 300)
    known(slots, quick, QUICK)
    assert fill(slots, due(*hosts("fresh", 300))) == UNKNOWN_AT_ONCE
    assert fill(slots, due(*quick)) == AT_ONCE - UNKNOWN_AT_ONCE


def test_one_that_is_quick_again_waits_with_the_slow_no_more() -> None:
    slots, hanging = Slots(), hosts("hanging", SLOW_AT_ONCE)
    known(slots, ["https://well", *hanging], SLOW)
    fill(slots, due(*hanging))
    assert fill(slots, due("https://well")) == 0
    known(slots, ["https://well"], QUICK)
    assert fill(slots, due("https://well")) == 1


def test_the_receiver_that_was_tried_the_longest_ago_is_forgotten_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "REMEMBERED", 2)
    slots, origins = Slots(), hosts("receiver", 3)
    known(slots, [*origins[:2], origins[0], origins[2]], QUICK)
    assert [fill(slots, due(*[origin] * 9)) for origin in origins] == [4, 1, 4]

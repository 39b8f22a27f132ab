"""Questions on a terminal."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from fastoffload.catalog import DEFAULT_STRATEGY, STRATEGIES, Choice, Variant
from fastoffload.choosing.questions_of_choose import Described, describe
from fastoffload.choosing.recommendation import choose
from fastoffload.choosing.rules import choice_of
from fastoffload.errors import UsageError
from fastoffload.terminal import show_facts

HELP = Variant("help me", "choose by a few questions about the work")
QUESTIONS = {"pool": "A pool of what?", "broker": "Which broker?"}


class Option(Protocol):
    """What a question offers: a name, and a reason to take it."""

    @property
    def name(self) -> str: ...
    @property
    def reason(self) -> str: ...


def given_choice(
    strategy: str | None, given: Mapping[str, str | None], *, defaults: bool | None, may_ask: bool
) -> Choice | None:
    """The choice that the options name; None when it is left to be asked.

    `defaults` is None for a command that has no option of that name.
    """
    if strategy is None and defaults:
        strategy = DEFAULT_STRATEGY
    if strategy is not None:
        return Choice.of(strategy, given)
    _check_none_alone(given)
    if not may_ask:
        choices = ", ".join(STRATEGIES)
        other = "" if defaults is None else ", or --defaults"
        raise UsageError(f"no strategy given; take one by --strategy ({choices}){other}")
    return None


def _check_none_alone(given: Mapping[str, str | None]) -> None:
    for option, value in given.items():
        if value is not None:
            takers = (name for name, taker in STRATEGIES.items() if taker.option == option)
            raise UsageError(f"--{option} needs --strategy {' or '.join(takers)} beside it")


def ask_choice() -> Choice:
    """Asks for the strategy and, where it has an option, for that; helps who does not know."""
    name = select("Who runs the jobs?", [*STRATEGIES.values(), HELP], DEFAULT_STRATEGY)
    advised = _advice() if name == HELP.name else None
    if advised:
        name = select("Who runs the jobs?", STRATEGIES.values(), advised.strategy.name)
    strategy = STRATEGIES[name]
    if strategy.option is None:
        return Choice.of(name, {})
    default = strategy.variants[0]
    if advised and advised.strategy == strategy and advised.variant:
        default = advised.variant
    value = select(QUESTIONS[strategy.option], strategy.variants, default.name)
    return Choice.of(name, {strategy.option: value})


def _advice() -> Choice:
    """What `choose` says, shown; its questions are asked now."""
    work = describe(Described(), None, may_ask=True)
    answer = choose(work, None)
    show_facts(answer.facts)
    return choice_of(answer.strategy, answer.option)


def select(question: str, records: Iterable[Option], default: str) -> str:
    """The name of the record that is taken with the arrow keys."""
    from questionary import Choice as Line
    from questionary import select

    reasons = {record.name: record.reason for record in records}
    width = max(map(len, reasons))
    lines = [Line(f"{name:<{width}}  {reason}", name) for name, reason in reasons.items()]
    answer: str = select(question, lines, default=default).unsafe_ask()
    return answer

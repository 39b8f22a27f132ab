"""Questions on a terminal."""

from collections.abc import Iterable, Mapping

from fastoffload.catalog import DEFAULT_STRATEGY, STRATEGIES, Choice, Strategy, Variant
from fastoffload.errors import UsageError

QUESTIONS = {"pool": "A pool of what?", "broker": "Which broker?"}


def given_choice(
    strategy: str | None, given: Mapping[str, str | None], *, defaults: bool, may_ask: bool
) -> Choice | None:
    """The choice that the options name; None when it is left to be asked."""
    if strategy is None and defaults:
        strategy = DEFAULT_STRATEGY
    if strategy is not None:
        return Choice.of(strategy, given)
    _check_none_alone(given)
    if not may_ask:
        choices = ", ".join(STRATEGIES)
        raise UsageError(f"no strategy given; take one by --strategy ({choices}), or --defaults")
    return None


def _check_none_alone(given: Mapping[str, str | None]) -> None:
    for option, value in given.items():
        if value is not None:
            takers = (name for name, taker in STRATEGIES.items() if taker.option == option)
            raise UsageError(f"--{option} needs --strategy {' or '.join(takers)} beside it")


def ask_choice() -> Choice:
    """Asks for the strategy and, where it has an option, for that."""
    name = _select("Who runs the jobs?", STRATEGIES.values(), DEFAULT_STRATEGY)
    strategy = STRATEGIES[name]
    if strategy.option is None:
        return Choice.of(name, {})
    default = strategy.variants[0].name
    value = _select(QUESTIONS[strategy.option], strategy.variants, default)
    return Choice.of(name, {strategy.option: value})


def _select(question: str, records: Iterable[Strategy | Variant], default: str) -> str:
    from questionary import Choice as Line
    from questionary import select

    reasons = {record.name: record.reason for record in records}
    width = max(map(len, reasons))
    lines = [Line(f"{name:<{width}}  {reason}", name) for name, reason in reasons.items()]
    answer: str = select(question, lines, default=default).unsafe_ask()
    return answer

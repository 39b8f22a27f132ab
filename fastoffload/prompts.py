"""Questions on a terminal."""

import sys

from fastoffload.errors import UsageError
from fastoffload.options import Choice
from fastoffload.strategies import DEFAULT_POOL, DEFAULT_STRATEGY, POOLS, available_strategies


def given_choice(
    strategy: str | None, pool: str | None, *, defaults: bool, may_ask: bool
) -> Choice | None:
    """The choice that the options name; None when it is left to be asked."""
    if strategy is None and defaults:
        strategy = DEFAULT_STRATEGY
    if strategy is not None:
        return Choice.of(strategy, pool)
    if pool is not None:
        raise UsageError("--pool needs --strategy executor beside it")
    if not may_ask:
        choices = ", ".join(strategy.name for strategy in available_strategies())
        raise UsageError(f"no strategy given; take one by --strategy ({choices}), or --defaults")
    return None


def on_terminal() -> bool:
    """Whether somebody is there to answer."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def ask_choice() -> Choice:
    """Asks for the strategy and, where there are several, for the pool."""
    reasons = {strategy.name: strategy.reason for strategy in available_strategies()}
    strategy = _select("Who runs the jobs?", reasons, DEFAULT_STRATEGY)
    if strategy != "executor":
        return Choice.of(strategy, None)
    pools = {pool.name: pool.reason for pool in POOLS}
    return Choice.of(strategy, _select("A pool of what?", pools, DEFAULT_POOL))


def _select(question: str, reasons: dict[str, str], default: str) -> str:
    from questionary import Choice as Line
    from questionary import select

    width = max(map(len, reasons))
    lines = [Line(f"{name:<{width}}  {reason}", name) for name, reason in reasons.items()]
    answer: str = select(question, lines, default=default).unsafe_ask()
    return answer

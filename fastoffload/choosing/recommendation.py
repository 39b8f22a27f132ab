"""`fastoffload choose`: a strategy for the work that is described, and the reasons."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from fastoffload.catalog import Choice
from fastoffload.choosing.bench_results import Evidence
from fastoffload.choosing.ranking import decide, overload
from fastoffload.choosing.rules import RULES, Rule, first_match, options_of
from fastoffload.choosing.workload import LEVELS, Work


@dataclass(frozen=True, slots=True)
class Answer:
    """What to take and why. Where `possible` is false it is the nearest to what was asked for."""

    possible: bool
    strategy: str
    option: str | None
    reasons: list[str]
    survives: list[str]
    will_not: str
    load: str
    command: str
    move_on: str
    switch: str

    @property
    def facts(self) -> Iterator[tuple[str, str]]:
        """All of it as labels and texts."""
        take = " ".join(filter(None, [self.strategy, self.option]))
        yield "take" if self.possible else "not possible; nearest", take
        yield from (("because", reason) for reason in self.reasons)
        yield from (("survives", text) for text in self.survives)
        yield "load", self.load
        yield "will not", self.will_not
        yield "command", self.command
        yield "move on when", self.move_on
        yield "by", self.switch


def choose(work: Work, evidence: Evidence | None) -> Answer:
    """By the rules; with evidence, by what was measured of the strategies that will do.

    Raises FastoffloadError when none of those that were measured will.
    """
    return _by_evidence(work, evidence) if evidence else _by_rule(work, [])


def _by_rule(work: Work, reasons: list[str]) -> Answer:
    rule = first_match(work)
    return _answer(rule, rule.choice, work, [*reasons, f"{rule.when}: {rule.because}"])


def _by_evidence(work: Work, evidence: Evidence) -> Answer:
    load = overload(evidence, work)
    if load and not work.spreads:
        work = replace(work, machines=2)  # or more: how many makes no difference to what will do
    reasons = [load] if load else []
    if not first_match(work).is_answer:
        return _by_rule(work, reasons)
    choice, figures = decide(evidence, work)
    return _answer(_limits(choice, work), choice, work, [*reasons, *figures])


def _limits(choice: Choice, work: Work) -> Rule:
    """The rule whose limits hold: on several machines they are others than on one."""
    return first_match(work) if work.spreads or work.survives("machine") else _rule_of(choice)


def _rule_of(choice: Choice) -> Rule:
    """The rule that says the most of a strategy: its limits are the same whatever led to it."""
    rules = [rule for rule in RULES if rule.is_answer and rule.strategy == choice.strategy.name]
    same = [rule for rule in rules if rule.choice == choice]
    return (same or rules)[0]


def _answer(rule: Rule, choice: Choice, work: Work, reasons: list[str]) -> Answer:
    asked = list(LEVELS)[: list(LEVELS).index(work.must_survive) + 1]
    return Answer(
        possible=rule.is_answer,
        strategy=choice.strategy.name,
        option=choice.variant.name if choice.variant else None,
        reasons=reasons,
        survives=[LEVELS[level] for level in asked] if rule.is_answer else [],
        will_not=rule.will_not,
        load=work.load_in_words,
        command=f"fastoffload new PATH {options_of(choice)}",
        move_on=rule.move_on,
        switch=f"fastoffload switch {rule.switch}",
    )

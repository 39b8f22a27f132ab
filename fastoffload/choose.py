"""`fastoffload choose`: a strategy for the work that is described, and the reasons."""

from dataclasses import dataclass

from fastoffload.evidence import Evidence
from fastoffload.options import Choice
from fastoffload.rules import RULES, Rule, first_match, options_of
from fastoffload.work import LEVELS, Work


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


def choose(work: Work, evidence: Evidence | None) -> Answer:
    """By the rules; with evidence, by what was measured of the strategies that will do."""
    rule = first_match(work)
    if evidence is None or not rule.is_answer:
        return _answer(rule, rule.choice, work, [f"{rule.when}: {rule.because}"])
    choice, reasons = evidence.decide(work)
    return _answer(_rule_of(choice), choice, work, reasons)


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

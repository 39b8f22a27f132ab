"""`fastoffload choose`: a strategy for the work that is described, and the reasons."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fastoffload import terminal
from fastoffload.commands._parameters import Json

if TYPE_CHECKING:
    from fastoffload.choosing.recommendation import Answer

EXAMPLE = (
    "fastoffload choose --seconds 30 --cpu --must-survive crash --machines 1"
    " --per-minute 4 --no-brokers"
)


def choose(
    seconds: Annotated[
        float | None, typer.Option(metavar="N", help="How long a job takes.")
    ] = None,
    cpu: Annotated[
        bool | None, typer.Option("--cpu/--io", help="It computes in Python, or it waits.")
    ] = None,
    must_survive: Annotated[
        str | None,
        typer.Option(metavar="LEVEL", help="What jobs survive: restart, crash, deploy, machine."),
    ] = None,
    machines: Annotated[
        int | None, typer.Option(metavar="N", help="How many machines run jobs.")
    ] = None,
    per_minute: Annotated[
        float | None, typer.Option(metavar="N", help="How many jobs come in a minute.")
    ] = None,
    brokers_ok: Annotated[
        bool | None,
        typer.Option("--brokers-ok/--no-brokers", help="Whether a broker may be needed."),
    ] = None,
    from_bench: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Answer by what `bench --json` measured."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Names the strategy that fits your work, and why."""
    from fastoffload.choosing import questions, recommendation
    from fastoffload.choosing.bench_results import Evidence

    given = questions.Described(seconds, cpu, must_survive, machines, per_minute, brokers_ok)
    evidence = Evidence.read(from_bench) if from_bench else None
    may_ask = terminal.is_interactive() and not as_json
    work = questions.describe(given, evidence, may_ask=may_ask)
    answer = recommendation.choose(work, evidence)
    if as_json:
        terminal.show_json(asdict(answer))
    else:
        terminal.show_facts(_facts(answer))


def _facts(answer: "Answer") -> Iterable[tuple[str, str]]:
    take = " ".join(filter(None, [answer.strategy, answer.option]))
    yield "take" if answer.possible else "not possible; nearest", take
    yield from (("because", reason) for reason in answer.reasons)
    yield from (("survives", text) for text in answer.survives)
    yield "load", answer.load
    yield "will not", answer.will_not
    yield "command", answer.command
    yield "move on when", answer.move_on
    yield "by", answer.switch

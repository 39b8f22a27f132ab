"""`fastoffload choose`: a strategy for the work that is described, and the reasons."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from fastoffload import terminal
from fastoffload.commands._parameters import Completions, Json

EXAMPLE = (
    "fastoffload choose --seconds 30 --work python --must-survive crash --machines 1 --cores 8"
    " --per-minute 4 --no-brokers"
)


def _complete_kind(incomplete: str) -> Completions:
    from fastoffload.choosing.workload import KINDS

    return [(kind, text) for kind, text in KINDS.items() if kind.startswith(incomplete)]


def _complete_level(incomplete: str) -> Completions:
    from fastoffload.choosing.workload import LEVELS

    return [(level, text) for level, text in LEVELS.items() if level.startswith(incomplete)]


def choose(
    seconds: Annotated[
        float | None, typer.Option(metavar="N", help="How long a job takes.")
    ] = None,
    work: Annotated[
        str | None,
        typer.Option(
            metavar="KIND",
            help="What a job does: python, native (NumPy), program (ffmpeg), gpu, wait.",
            autocompletion=_complete_kind,
        ),
    ] = None,
    must_survive: Annotated[
        str | None,
        typer.Option(
            metavar="LEVEL",
            help="What jobs survive: restart, crash, deploy, machine.",
            autocompletion=_complete_level,
        ),
    ] = None,
    machines: Annotated[
        int | None, typer.Option(metavar="N", help="How many machines run jobs.")
    ] = None,
    cores: Annotated[
        int | None,
        typer.Option(metavar="N", help="How many cores each has, in production; or GPUs."),
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
    from fastoffload.choosing import questions_of_choose, recommendation
    from fastoffload.choosing.bench_results import Evidence

    given = questions_of_choose.Described(
        seconds, work, must_survive, machines, cores, per_minute, brokers_ok
    )
    evidence = Evidence.read(from_bench) if from_bench else None
    may_ask = terminal.is_interactive() and not as_json
    described = questions_of_choose.describe(given, evidence, may_ask=may_ask)
    answer = recommendation.choose(described, evidence)
    if as_json:
        terminal.show_json(asdict(answer))
    else:
        terminal.show_facts(answer.facts)

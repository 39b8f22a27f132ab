"""What `bench` was asked for, validated before anything is generated."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from fastoffload.bench.service.own_compute import OwnCompute
from fastoffload.bench.service.projects import Project, existing, given_broker
from fastoffload.catalog import Choice, variants
from fastoffload.errors import UsageError, check_writable, unknown
from fastoffload.system.servers import kind_of

LEAST_SECONDS = 30


@dataclass(frozen=True, slots=True)
class BenchOptions:
    """Variants to generate, projects that exist, and how long it may take."""

    seconds: float
    rounds: int
    names: list[str]
    projects: list[Project]
    own: OwnCompute | None
    packages: list[str]
    left_out: list[str]

    @classmethod
    def of(
        cls,
        paths: Sequence[Path],
        names: str | None,
        *,
        seconds: float,
        rounds: int,
        compute: str | None,
        packages: Sequence[str],
        files: Sequence[Path | None],
    ) -> Self:
        """Raises UsageError for what cannot work, FastoffloadError for files not to be written."""
        _check_seconds(seconds)
        _check_database()
        wanted, absent = _generated(names, has_paths=bool(paths))
        if (compute or packages) and not wanted:
            raise UsageError("--compute and --with are for generated projects; give --variants too")
        projects = [existing(path) for path in paths]
        _check_different([*wanted, *(project.variant for project in projects)])
        choices = {name: variants()[name] for name in wanted}
        _check_brokers(choices | {project.variant: project.choice for project in projects})
        for file in filter(None, files):
            check_writable(file)
        return cls(
            seconds=seconds,
            rounds=rounds,
            names=wanted,
            projects=projects,
            own=OwnCompute.of(compute) if compute else None,
            packages=list(packages),
            left_out=[_why_left_out(name) for name in absent],
        )


def _check_seconds(seconds: float) -> None:
    if not seconds >= LEAST_SECONDS:  # not a number is no more than that
        raise UsageError(f"--seconds {seconds:g} is too short; give {LEAST_SECONDS} at least")


def _check_database() -> None:
    url = os.environ.get("DATABASE_URL", "sqlite://")
    if not url.startswith("sqlite"):
        kind_of("DATABASE_URL", url, ["postgresql"])


def _generated(given: str | None, *, has_paths: bool) -> tuple[list[str], list[str]]:
    """The variants to generate, and those that are left out because nobody insists on them."""
    if given is not None:
        return _named(given), []
    if has_paths:
        return [], []
    absent = [name for name, choice in variants().items() if _lacks_broker(choice)]
    return [name for name in variants() if name not in absent], absent


def _named(given: str) -> list[str]:
    known = list(variants())
    names = list(dict.fromkeys(filter(None, map(str.strip, given.split(",")))))
    takes = "--variants takes, with commas between"
    for name in names:
        if name not in known:
            raise unknown("variant", name, known, takes)
    if not names:
        raise UsageError(f"no variant named; {takes}: {', '.join(known)}")
    return names


def _check_different(names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"two projects are named {name}; the tables could not tell them apart")


def _check_brokers(choices: Mapping[str, Choice]) -> None:
    for name, choice in choices.items():
        if _lacks_broker(choice):
            raise UsageError(f"{name} needs a RabbitMQ; give one by BROKER_URL=amqp://…")


def _lacks_broker(choice: Choice) -> bool:
    """Whether it is a variant of RabbitMQ that would run on the embedded Valkey."""
    return not given_broker(choice) and choice.answers.get("broker") == "rabbitmq"


def _why_left_out(name: str) -> str:
    return (
        f"{name}: give a RabbitMQ by BROKER_URL=amqp://…; on the embedded broker it is the same"
        f" code as {name.replace('rabbitmq', 'redis')}"
    )

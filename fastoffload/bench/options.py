"""What `bench` was asked for, validated before anything is generated."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from fastoffload.bench.own_compute import OwnCompute
from fastoffload.bench.projects import Project, existing, given_broker
from fastoffload.errors import UsageError, check_writable
from fastoffload.options import variants

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
        if seconds < LEAST_SECONDS:
            raise UsageError(f"--seconds {seconds:g} is too short; give {LEAST_SECONDS} at least")
        wanted = _names(names, has_paths=bool(paths))
        if (compute or packages) and not wanted:
            raise UsageError("--compute and --with are for generated projects; give --variants too")
        projects = [existing(path) for path in paths]
        _check_different([*wanted, *(project.variant for project in projects)])
        for file in filter(None, files):
            check_writable(file)
        # BROKER_URL names a server of one kind; the embedded one speaks Redis.
        absent = [] if names else [name for name in wanted if _broker_is_absent(name)]
        return cls(
            seconds=seconds,
            rounds=rounds,
            names=[name for name in wanted if name not in absent],
            projects=projects,
            own=OwnCompute.of(compute) if compute else None,
            packages=list(packages),
            left_out=[
                f"{name}: give a RabbitMQ by BROKER_URL=amqp://…; on the embedded broker it is the"
                f" same code as {name.replace('rabbitmq', 'redis')}"
                for name in absent
            ],
        )


def _names(given: str | None, *, has_paths: bool) -> list[str]:
    known = list(variants())
    if given is None:
        return [] if has_paths else known
    names = list(dict.fromkeys(filter(None, map(str.strip, given.split(",")))))
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        subject = f"unknown variant '{unknown[0]}'" if unknown else "no variant named"
        raise UsageError(f"{subject}; --variants takes, with commas between: {', '.join(known)}")
    return names


def _check_different(names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"two projects are named {name}; the tables could not tell them apart")


def _broker_is_absent(name: str) -> bool:
    choice = variants()[name]
    return choice.answers.get("broker") == "rabbitmq" and not given_broker(choice)

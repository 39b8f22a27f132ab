"""What there is to choose from: strategies, what they need and survive, and their variants."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from fastoffload.errors import UsageError, unknown

# What runs the jobs, from the fewest parts to the most: threads or processes of the service, or
# workers beside it that a broker feeds.
THREADS, PROCESSES, WORKERS = RUN_ON = ("threads", "processes", "workers")


@dataclass(frozen=True, slots=True)
class Variant:
    """One value of the option that a strategy offers."""

    name: str
    reason: str
    cost: str | None = None
    runs_on: str | None = None  # where it differs from the strategy's


@dataclass(frozen=True, slots=True)
class Strategy:
    """What the generator must know of one strategy. The first variant is the default."""

    name: str
    summary: str
    reason: str
    runs_on: str
    needs: str
    survives: str
    take_it: str
    leave_it: str
    option: str | None
    variants: tuple[Variant, ...]
    cost: str | None
    worker: str | None = None  # the command of its worker, for a module in the place of {worker}
    # What it declares on a RabbitMQ, for a prefix of one's own in the place of {prefix}.
    queues: tuple[str, ...] = ()
    exchanges: tuple[str, ...] = ()


# The figures: README.md, "What it costs": 20 reports in flight, 2 workers, on 2 cores.
BACKGROUND_COST = (
    "Jobs run on threads that share the GIL with the event loop: CPU-bound work slows every answer"
    " (99th percentile: 2 ms idle, about 18 ms under load), and a submit waits 0.2 s."
)
THREAD_POOL_COST = (
    "A thread pool shares the GIL with the event loop: CPU-bound work slows every answer"
    " (99th percentile: 2 ms idle, about 15 ms under load; a process pool stays below 5 ms)."
)

POOLS = (
    Variant("process", "CPU-bound work: real parallelism, and a stuck job can be killed"),
    Variant("thread", "work that mostly waits, or releases the GIL", THREAD_POOL_COST, THREADS),
)
BROKERS = (
    Variant("redis", "one small server that many teams already run"),
    Variant("rabbitmq", "a server made for queues, on several machines if need be"),
)

QUEUE_NEEDS = "a broker and worker processes; for development an embedded broker comes along"
QUEUE_SURVIVES = (
    "kill -9 of API, worker or broker, and the loss of the queue: the job's row is in the database,"
    " and its lease says when the job runs again"
)

STRATEGIES: dict[str, Strategy] = {
    "background": Strategy(
        name="background",
        summary="Starlette BackgroundTasks: a thread of the API process, on a limiter of its own",
        reason="threads of the API process: for work that mostly waits",
        runs_on=THREADS,
        needs="nothing besides the API",
        survives="kill -9 of the server: the job's row is in the database, and the job runs again",
        take_it="jobs wait for networks and files, and one process is enough",
        leave_it="jobs compute in Python: they slow every answer, and cannot be killed",
        option=None,
        variants=(),
        cost=BACKGROUND_COST,
    ),
    "executor": Strategy(
        name="executor",
        summary="loop.run_in_executor: a supervised pool of processes, or of threads",
        reason="processes beside the API: for CPU-bound work on one machine",
        runs_on=PROCESSES,
        needs="nothing besides the API; a process pool takes memory for each process",
        survives="kill -9 of the server, and of one child: only that child's job runs again",
        take_it="jobs compute for long, and one machine has cores enough",
        leave_it="jobs must go on while the API is deployed anew, or need several machines",
        option="pool",
        variants=POOLS,
        cost=None,
    ),
    "celery": Strategy(
        name="celery",
        summary="Celery worker processes, fed by a broker",
        reason="separate worker processes: the widely known queue",
        runs_on=WORKERS,
        needs=QUEUE_NEEDS,
        survives=QUEUE_SURVIVES,
        take_it="workers scale apart from the API, and the team knows Celery",
        leave_it="one machine is enough: the executor has fewer parts",
        option="broker",
        variants=BROKERS,
        cost=None,
        worker="celery --quiet -A {worker} worker",
        queues=("{prefix}.celery.default", "celery@{host}.{prefix}.celery.pidbox"),
        exchanges=(
            "{prefix}.celery.pidbox",
            "reply.{prefix}.celery.pidbox",
            "{prefix}.celery.events",
        ),
    ),
    "dramatiq": Strategy(
        name="dramatiq",
        summary="Dramatiq worker processes, fed by a broker",
        reason="separate worker processes: a small queue with few settings",
        runs_on=WORKERS,
        needs=QUEUE_NEEDS,
        survives=QUEUE_SURVIVES,
        take_it="workers scale apart from the API, and a small typed library is preferred",
        leave_it="one machine is enough: the executor has fewer parts",
        option="broker",
        variants=BROKERS,
        cost=None,
        worker="dramatiq {worker}:broker --skip-logging --processes 1 --threads 2",
        queues=("{prefix}.dramatiq.default", "{prefix}.dramatiq.default.DQ"),
    ),
}

DEFAULT_STRATEGY = "executor"


@dataclass(frozen=True, slots=True)
class Choice:
    """A strategy and, where it has an option, the variant taken."""

    strategy: Strategy
    variant: Variant | None

    @classmethod
    def of(cls, strategy_name: str, given: Mapping[str, str | None]) -> Self:
        """What the option values name; raises UsageError when they do not go together."""
        strategy = _strategy(strategy_name)
        for option, value in given.items():
            if value is not None and option != strategy.option:
                raise UsageError(
                    f"--{option} does not go with strategy {strategy.name}; leave it out"
                )
        if strategy.option is None:
            return cls(strategy, None)
        return cls(strategy, _variant(strategy, given.get(strategy.option)))

    @property
    def answers(self) -> dict[str, str]:
        """The choice by the names of the template's questions: strategy, and pool or broker."""
        answers = {"strategy": self.strategy.name}
        if self.strategy.option and self.variant:
            answers[self.strategy.option] = self.variant.name
        return answers

    @property
    def name(self) -> str:
        """As `smoke` and `bench` have it: `executor-process`."""
        return "-".join(self.answers.values())

    @property
    def runs_on(self) -> str:
        """What runs the jobs, one of RUN_ON."""
        return (self.variant and self.variant.runs_on) or self.strategy.runs_on

    @property
    def is_queue(self) -> bool:
        """Whether workers take the jobs from a broker."""
        return self.runs_on == WORKERS

    @property
    def cost(self) -> str | None:
        """What the choice costs, in one line; None when there is nothing to say."""
        return self.variant.cost if self.variant else self.strategy.cost


def variants() -> dict[str, Choice]:
    """Every variant by its name: `executor-process`, `celery-redis`."""
    choices = [
        Choice(strategy, variant)
        for strategy in STRATEGIES.values()
        for variant in strategy.variants or (None,)
    ]
    return {choice.name: choice for choice in choices}


def _strategy(name: str) -> Strategy:
    if name not in STRATEGIES:
        raise unknown("strategy", name, STRATEGIES, "take one of")
    return STRATEGIES[name]


def _variant(strategy: Strategy, name: str | None) -> Variant:
    if name is None:
        return strategy.variants[0]
    variants = {variant.name: variant for variant in strategy.variants}
    if name not in variants:
        option = str(strategy.option)
        raise unknown(option, name, variants, f"--{option} takes one of")
    return variants[name]

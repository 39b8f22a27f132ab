"""The rules by which `choose` answers; README.md shows the same table."""

from collections.abc import Callable
from dataclasses import dataclass

from fastoffload.catalog import STRATEGIES, Choice
from fastoffload.choosing.workload import Work

SHORT_SECONDS = 10  # that a connection of a client may well be kept for


@dataclass(frozen=True, slots=True)
class Rule:
    """When it applies, what it answers, and what comes after that. The first that applies counts.

    `move_on` ends in the options of `switch`; a rule that is no `answer` is the nearest there is.
    """

    when: str
    applies: Callable[[Work], bool]
    strategy: str
    option: str | None
    because: str
    will_not: str
    move_on: str
    switch: str
    is_answer: bool = True

    @property
    def choice(self) -> Choice:
        """The strategy and its variant."""
        return choice_of(self.strategy, self.option)

    @property
    def options(self) -> str:
        """As they are typed."""
        return options_of(self.choice)


def choice_of(strategy: str, option: str | None) -> Choice:
    """A strategy with the value of its option."""
    name = STRATEGIES[strategy].option
    return Choice.of(strategy, {name: option} if name else {})


def options_of(choice: Choice) -> str:
    """The options of `new` that name a choice."""
    return " ".join(f"--{option} {value}" for option, value in choice.answers.items())


RULES = (
    Rule(
        when="a queue is needed (several machines, more cores than one has, jobs that outlive a"
        " deployment), and no broker is allowed",
        applies=lambda work: work.needs_a_queue and not work.brokers_ok,
        strategy="executor",
        option="process",
        because="nothing here does that without a broker; this is as far as one machine goes",
        will_not="go on through a deployment, or use a second machine, which is what was asked for",
        move_on="a broker is allowed",
        switch="celery --broker redis",
        is_answer=False,
    ),
    Rule(
        when="jobs must survive the loss of a machine",
        applies=lambda work: work.survives("machine"),
        strategy="celery",
        option="rabbitmq",
        because="workers on several machines, and a broker that can be a cluster with its queues"
        " on all of them",
        will_not="keep the database alive: it holds the jobs, so replicate it as well",
        move_on="one machine is enough after all",
        switch="executor --pool process",
    ),
    Rule(
        when="several machines share the work",
        applies=lambda work: work.machines > 1,
        strategy="celery",
        option="redis",
        because="workers on any number of machines, and one small server between them",
        will_not="work on SQLite or with PDFs in a folder: machines share PostgreSQL and a store",
        move_on="the broker itself must survive the loss of its machine",
        switch="celery --broker rabbitmq",
    ),
    Rule(
        when="the work needs more cores (or GPUs) than one machine has",
        applies=lambda work: work.spreads,
        strategy="celery",
        option="redis",
        because="on one machine jobs would queue for long, or for ever; workers on any number of"
        " machines share them",
        will_not="work on SQLite or with PDFs in a folder: machines share PostgreSQL and a store",
        move_on="a bigger machine has cores enough after all",
        switch="executor --pool process",
    ),
    Rule(
        when="jobs must go on while the API is deployed anew, on one machine",
        applies=lambda work: work.survives("deploy"),
        strategy="dramatiq",
        option="redis",
        because="workers that are started and stopped apart from the API, with few settings",
        will_not="scale by itself: workers are started by you, and share one machine's cores",
        move_on="several machines share the work and the team knows Celery",
        switch="celery --broker redis",
    ),
    Rule(
        when="jobs compute on a GPU, on one machine",
        applies=lambda work: work.kind == "gpu",
        strategy="executor",
        option="process",
        because="the model and the GPU's memory belong to a process beside the event loop, which"
        " can be killed; JOB_WORKERS is how many of them the GPUs have room for",
        will_not="go on while the server is stopped: jobs wait in the database until it is back",
        move_on="the GPU is in another machine than the API, or jobs must go on through a"
        " deployment",
        switch="dramatiq --broker redis",
    ),
    Rule(
        when="jobs compute in Python, or in libraries such as NumPy and pandas, on one machine",
        applies=lambda work: work.kind in ("python", "native"),
        strategy="executor",
        option="process",
        because="processes compute beside the event loop, on cores and a GIL of their own, and one"
        " that hangs is killed (libraries let the GIL go in their long calls alone)",
        will_not="go on while the server is stopped: jobs wait in the database until it is back",
        move_on="jobs must go on through a deployment, or need a second machine",
        switch="dramatiq --broker redis",
    ),
    Rule(
        when="jobs wait, or start programs, and one that crashes or hangs in C must not take others"
        " along",
        applies=lambda work: work.survives("crash"),
        strategy="executor",
        option="process",
        because="each job runs in a process that can be killed without touching the others",
        will_not="save memory: each slot is a process of its own",
        move_on="jobs must go on through a deployment, or need a second machine",
        switch="dramatiq --broker redis",
    ),
    Rule(
        when="jobs start other programs, such as ffmpeg, on one machine",
        applies=lambda work: work.kind == "program",
        strategy="executor",
        option="thread",
        because="the program is a process of its own already, on cores and memory of its own; the"
        " thread that waits for it holds no GIL",
        will_not="end the program for you: give it a timeout, and end it when the job is cancelled",
        move_on="jobs compute in Python as well",
        switch="executor --pool process",
    ),
    Rule(
        when=f"jobs wait, for at most {SHORT_SECONDS} s",
        applies=lambda work: work.seconds <= SHORT_SECONDS,
        strategy="background",
        option=None,
        because="Starlette's background tasks, on threads of their own: a job that waits does not"
        " hold the GIL",
        will_not="kill a job that hangs, or keep one that computes from slowing the event loop",
        move_on="jobs begin to compute, or to hang",
        switch="executor --pool process",
    ),
    Rule(
        when=f"jobs wait, for more than {SHORT_SECONDS} s",
        applies=lambda _: True,
        strategy="executor",
        option="thread",
        because="a pool of threads that no request is tied to, with a grace period at shutdown",
        will_not="kill a job that hangs, or keep one that computes from slowing the event loop",
        move_on="jobs begin to compute, or to hang",
        switch="executor --pool process",
    ),
)


def first_match(work: Work) -> Rule:
    """The rule that applies; the last one always does."""
    return next(rule for rule in RULES if rule.applies(work))


def markdown() -> str:
    """The table, as README.md has it."""
    head = "| when (the first line that applies) | take | because | it will not | move on when |"
    lines = [
        f"| {rule.when} | `{rule.options}` | {rule.because} | {rule.will_not} | {rule.move_on}:"
        f" `fastoffload switch {rule.switch}` |"
        for rule in RULES
    ]
    return "\n".join([head, "| --- | --- | --- | --- | --- |", *lines])

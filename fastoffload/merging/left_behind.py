"""What a project that leaves a broker leaves on it, and how to clear it."""

from fastoffload.templating.answers import Answers

# As the engine has it: broker.py, UNUSED_QUEUE_SECONDS.
UNUSED_DAYS = 7


def on_broker(answers: Answers) -> str | None:
    """One line, before the strategy or the broker changes; None for one without a broker."""
    if (names := _names(answers)) is None:
        return None
    return (
        f"On the {names[0]} broker of before, names that begin with {names[1]} are left and read by"
        f" nobody (with a QUEUE_PREFIX, that in place of {answers.name}); the jobs are in the"
        f" database and go on. To clear them: {names[2]}."
    )


def after_undo(answers: Answers) -> list[str]:
    """What `init --undo` leaves where no file is."""
    left = [
        "In the database, the engine's tables are left, with all jobs: a schema `offload` on"
        " PostgreSQL, tables `offload_…` on SQLite. Drop them when nobody needs them."
    ]
    if names := _names(answers):
        left.append(
            f"On the {names[0]} broker, names that begin with {names[1]} are left (with a"
            f" QUEUE_PREFIX, that in place of {answers.name}). To clear them: {names[2]}."
        )
    return left


def _names(answers: Answers) -> tuple[str, str, str] | None:
    """The broker, the beginning of all names on it, and how to clear them."""
    broker = answers.choice.answers.get("broker")
    if broker is None:
        return None
    prefix = f"{answers.name}.{answers.choice.strategy.name}"
    clear = (
        f"redis-cli --scan --pattern '{prefix}:*' | xargs -r redis-cli del"
        if broker == "redis"
        else f"RabbitMQ deletes them {UNUSED_DAYS} days after they were last used"
    )
    return broker, prefix, clear

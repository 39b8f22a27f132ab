"""What a project that leaves a broker leaves on it, and how to clear it."""

from fastoffload.templating.answers import Answers

# As the engine has it: broker.py, UNUSED_QUEUE_SECONDS.
UNUSED_DAYS = 7


def on_broker(answers: Answers) -> str | None:
    """One line, before the strategy or the broker changes; None for one without a broker."""
    broker = answers.choice.answers.get("broker")
    prefix = f"{answers.name}.{answers.choice.strategy.name}"
    if broker is None:
        return None
    clear = (
        f"redis-cli --scan --pattern '{prefix}:*' | xargs -r redis-cli del"
        if broker == "redis"
        else f"RabbitMQ deletes them {UNUSED_DAYS} days after they were last used"
    )
    return (
        f"On the {broker} broker of before, names that begin with {prefix} are left and read by"
        f" nobody (with a QUEUE_PREFIX, that in place of {answers.name}); the jobs are in the"
        f" database and go on. To clear them: {clear}."
    )

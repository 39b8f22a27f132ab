"""How a stage can end other than well."""

from fastoffload.smoke.project.family import Family, described


class StageError(Exception):
    """A stage did not pass; the message says why, and the log has the rest."""


class NotRunError(Exception):
    """A stage cannot be run here, and its message says why."""


async def left_nothing(family: Family, seconds: float) -> None:
    """Raises StageError when processes of the family live on after so many seconds."""
    if left := await family.wait_until_gone(seconds):
        raise StageError(f"left behind:\n{described(left)}")

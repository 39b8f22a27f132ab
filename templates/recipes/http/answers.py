"""What came of a call."""

from pydantic import BaseModel


class Answer(BaseModel):
    """What came of a call."""

    url: str
    status: int | None = None  # of HTTP; None: there was no answer
    size: int = 0  # bytes
    error: str | None = None  # None: it went well

"""The parts of a result."""

from pydantic import BaseModel


class Interval(BaseModel):
    """Where a parameter is believed to lie."""

    low: float
    high: float
    confidence: float


class Histogram(BaseModel):
    """Counts of the values from each edge up to the next; the last bin includes its upper edge."""

    edges: list[float]
    counts: list[int]

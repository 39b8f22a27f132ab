"""How numbers are written, and where they lie on an axis."""

import math
from dataclasses import dataclass

from .kind import JobNameResult

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
LARGEST_PLAIN, FINEST_PLAIN = 8, -6  # powers of ten of what is written without one
MOST_DIGITS = 12  # after the first, of what is written with a power of ten
MINUS, TIMES = "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}"


@dataclass(frozen=True, slots=True)
class Notation:
    """How the numbers of a table or an axis are written: all alike."""

    decimals: int
    scientific: bool = False

    @classmethod
    def of(cls, largest: float, smallest_step: float) -> "Notation":
        """The notation for numbers up to a size that shows the digits down to a step."""
        size, step = _exponent(largest), _exponent(smallest_step)
        if size <= LARGEST_PLAIN and step >= FINEST_PLAIN:
            return cls(max(-step, 0))
        return cls(min(max(size - step, 0), MOST_DIGITS), scientific=True)

    @classmethod
    def for_result(cls, result: JobNameResult) -> "Notation":
        """The notation that shows the middle half of the values with five digits."""
        low, high = result.minimum, result.maximum
        middle = result.upper_quartile - result.lower_quartile
        spread = middle or high - low or abs(high) or 1
        return cls.of(max(abs(low), abs(high)), max(spread * 1e-4, math.ulp(0)))

    def write(self, value: float) -> str:
        """The number as text."""
        if not self.scientific:
            return f"{value:z,.{self.decimals}f}".replace("-", MINUS)
        if value == 0:
            return "0"
        mantissa, exponent = f"{value:.{self.decimals}e}".split("e")
        power = str(int(exponent)).translate(SUPERSCRIPTS)
        return f"{mantissa} {TIMES} 10{power}".replace("-", MINUS)


@dataclass(frozen=True, slots=True)
class Axis:
    """Maps values to a stretch of the page, in millimetres."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Where a value lies on the page."""
        share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)


def ticks(low: float, high: float, step: float) -> list[float]:
    """The multiples of a step from low to high."""
    return [number * step for number in range(math.ceil(low / step), math.floor(high / step) + 1)]


def round_step(size: float) -> float:
    """The smallest 1, 2 or 5 times a power of ten that is not below a size."""
    power = 10.0 ** _exponent(size)
    return next(step * power for step in (1, 2, 5, 10) if step * power >= size * (1 - 1e-9))


def _exponent(size: float) -> int:
    return math.floor(math.log10(size)) if size > 0 else 0

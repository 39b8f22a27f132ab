"""The long computation: summary statistics and bootstrap intervals. Put your own in its place.

It is pure Python on purpose and so holds the GIL all the time: the worst case for an event loop.
"""

import math
import random
from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import fmean, median, stdev

from .figures import Histogram, Interval
from .kind import JobNameResult

CONFIDENCE = 0.95
MOST_BINS = 40  # more would be too narrow to read on a page


def analyse(
    values: Sequence[float],
    *,
    resamples: int,
    seed: int,
    progress: Callable[[float], None],
) -> JobNameResult:
    """Statistics of finite values, with percentile bootstrap intervals (Efron 1979).

    The same arguments give the same result. `progress` is called with the fraction done after each
    resample; what it raises ends the computation at once.
    Raises ValueError when there is no value or no resample, OverflowError when the values are too
    large to be added up.
    """
    _check(values, resamples)
    ordered = sorted(values)
    mean_interval, median_interval = _bootstrap(ordered, resamples, seed, progress)
    return JobNameResult(
        count=len(ordered),
        mean=fmean(ordered),
        standard_deviation=stdev(ordered) if len(ordered) > 1 else None,
        minimum=ordered[0],
        lower_quartile=quantile(ordered, 0.25),
        median=median(ordered),
        upper_quartile=quantile(ordered, 0.75),
        maximum=ordered[-1],
        mean_interval=mean_interval,
        median_interval=median_interval,
        histogram=histogram(ordered),
    )


def quantile(ordered: Sequence[float], fraction: float) -> float:
    """The value below which a fraction of the ordered values lies.

    Interpolated between neighbours: type 7 of Hyndman and Fan (1996), the default of NumPy and R.
    """
    position = fraction * (len(ordered) - 1)
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def histogram(ordered: Sequence[float]) -> Histogram:
    """The histogram of ordered values, in bins of equal width."""
    bins, low, high = _bins(ordered), ordered[0], ordered[-1]
    if low == high:
        margin = abs(low) / 2 or 0.5
        low, high = low - margin, high + margin
    edges = [low + (high - low) * number / bins for number in range(bins)]
    below = [bisect_left(ordered, edge) for edge in edges] + [len(ordered)]
    return Histogram(edges=[*edges, high], counts=[end - start for start, end in pairwise(below)])


def _check(values: Sequence[float], resamples: int) -> None:
    if not values or resamples < 1:
        raise ValueError("there must be a value and a resample")
    # A resample may hold the largest value only, and the range may be twice its size.
    if math.isinf(2 * len(values) * max(map(abs, values))):
        raise OverflowError("the values are too large to be added up")


def _bootstrap(
    values: Sequence[float], resamples: int, seed: int, progress: Callable[[float], None]
) -> tuple[Interval, Interval]:
    generator = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    means: list[float] = []
    medians: list[float] = []
    for done in range(1, resamples + 1):
        resample = generator.choices(values, k=len(values))
        means.append(fmean(resample))
        medians.append(median(resample))
        progress(done / resamples)
    return _percentiles(means), _percentiles(medians)


def _percentiles(estimates: list[float]) -> Interval:
    tail = (1 - CONFIDENCE) / 2
    estimates.sort()
    return Interval(
        low=quantile(estimates, tail),
        high=quantile(estimates, 1 - tail),
        confidence=CONFIDENCE,
    )


def _bins(ordered: Sequence[float]) -> int:
    span = ordered[-1] - ordered[0]
    if span == 0:
        return 1
    # Freedman and Diaconis (1981); Sturges (1926) where the middle half of the values is one value.
    middle = quantile(ordered, 0.75) - quantile(ordered, 0.25)
    width = 2 * middle / math.cbrt(len(ordered))
    wanted = span / width if width > 0 else math.log2(len(ordered)) + 1
    return math.ceil(min(wanted, MOST_BINS))

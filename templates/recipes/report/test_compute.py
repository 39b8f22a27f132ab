"""The computation: cases worked out by hand, and what it promises to its caller."""

import math
from collections.abc import Sequence

import pytest

from app.jobs.job_name.compute import (
    MOST_BINS,
    analyse,
    histogram,
    quantile,
)
from app.jobs.job_name.figures import Histogram, Interval
from app.jobs.job_name.kind import (
    JobNameResult,
)


def ignore(fraction: float) -> None:
    """Take no notice of progress."""


def analysis(
    values: Sequence[float],
    resamples: int = 50,
    seed: int = 0,
) -> JobNameResult:
    """The analysis of values, where progress is of no interest."""
    return analyse(values, resamples=resamples, seed=seed, progress=ignore)


def test_statistics_of_four_values() -> None:
    found = analysis([4, 1, 3, 2])
    assert found.count == 4
    assert found.mean == 2.5
    assert found.standard_deviation == pytest.approx(math.sqrt(5 / 3))
    assert (found.minimum, found.maximum) == (1, 4)
    assert (found.lower_quartile, found.median, found.upper_quartile) == (1.75, 2.5, 3.25)


@pytest.mark.parametrize(
    ("fraction", "expected"), [(0, 10), (0.125, 15), (0.25, 20), (0.5, 30), (0.9, 46), (1, 50)]
)
def test_quantiles_are_interpolated(fraction: float, expected: float) -> None:
    assert quantile([10, 20, 30, 40, 50], fraction) == pytest.approx(expected)


def test_the_same_seed_gives_the_same_result_everywhere() -> None:
    found = analysis([1, 2, 4, 8, 16], resamples=200, seed=7)
    interval = found.mean_interval
    assert (interval.low, interval.high) == pytest.approx((1.99, 11.205), rel=1e-12)
    assert found.median_interval == Interval(low=1, high=16, confidence=0.95)


def test_another_seed_gives_other_intervals() -> None:
    values = [1.5, 2.5, 4.1, 8.7, 16.3]
    assert analysis(values, seed=1).mean_interval != analysis(values, seed=2).mean_interval


def test_the_order_of_the_values_does_not_matter() -> None:
    values = [3.5, 1.25, 9.0, 4.75]
    assert analysis(values) == analysis(values[::-1])


def test_an_interval_grows_tighter_with_more_values() -> None:
    few, many = (analysis([0.0, 1.0] * pairs, resamples=400) for pairs in (10, 1000))
    # The standard error of the mean is 0.5 / sqrt(count); the interval is 3.92 of them wide.
    for found in (few, many):
        interval = found.mean_interval
        expected = 3.92 * 0.5 / math.sqrt(found.count)
        assert interval.high - interval.low == pytest.approx(expected, rel=0.25)


def test_progress_rises_with_each_resample_and_ends_at_one() -> None:
    fractions: list[float] = []
    analyse([1, 2, 3], resamples=8, seed=0, progress=fractions.append)
    assert fractions == [0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.0]


def test_what_progress_raises_ends_the_computation_at_once() -> None:
    calls: list[float] = []

    def stop_at_third(fraction: float) -> None:
        calls.append(fraction)
        if len(calls) == 3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        analyse([1, 2, 3], resamples=1000, seed=0, progress=stop_at_third)
    assert len(calls) == 3


def test_one_value() -> None:
    found = analysis([5])
    assert found.standard_deviation is None
    assert found.mean_interval == found.median_interval
    assert found.mean_interval == Interval(low=5, high=5, confidence=0.95)
    assert found.histogram == Histogram(edges=[2.5, 7.5], counts=[1])


@pytest.mark.parametrize("value", [0.0, -3.0, 1e300, 1e-300])
def test_values_that_are_all_the_same(value: float) -> None:
    found = analysis([value] * 8)
    assert found.standard_deviation == 0
    assert found.mean_interval.low == found.mean_interval.high == value
    low, high = found.histogram.edges
    assert low < value < high
    assert found.histogram.counts == [8]


def test_one_resample() -> None:
    interval = analysis([1, 2, 3], resamples=1).mean_interval
    assert interval.low == interval.high


def test_bins_are_as_wide_as_freedman_and_diaconis_say() -> None:
    # The quartiles are 1.75 and 5.25, so a bin is 2 * 3.5 / cbrt(8) = 3.5 wide.
    assert histogram(range(8)) == Histogram(edges=[0, 3.5, 7], counts=[4, 4])


def test_bins_follow_sturges_when_the_quartiles_are_equal() -> None:
    # log2(16) + 1 = 5 bins; a value on an edge belongs above it, the largest in the last bin.
    found = histogram([0] * 13 + [2, 5, 5])
    assert found == Histogram(edges=[0, 1, 2, 3, 4, 5], counts=[13, 0, 1, 0, 2])


def test_a_value_far_out_does_not_make_too_many_bins() -> None:
    found = histogram([*range(100), 1e9])
    assert len(found.counts) == MOST_BINS
    assert (found.counts[0], found.counts[-1]) == (100, 1)


@pytest.mark.parametrize(
    "values",
    [[1e300, -1e300, 5.0], [5e-324, 1e-323], [0.1] * 7, [1e16, 1e16 + 2, 1e16 + 4]],
    ids=["huge", "tiny", "rounded", "close"],
)
def test_the_result_is_finite_json_and_its_histogram_is_complete(values: list[float]) -> None:
    found = analysis(values)
    written = found.model_dump_json()
    again = JobNameResult.model_validate_json(written)
    assert again == found  # no nan, no null
    assert sum(found.histogram.counts) == len(values)
    assert found.histogram.edges == sorted(found.histogram.edges)


@pytest.mark.parametrize(("values", "resamples"), [([], 10), ([1.0], 0)])
def test_nothing_to_compute_is_refused(values: list[float], resamples: int) -> None:
    with pytest.raises(ValueError, match="must be a value and a resample"):
        analysis(values, resamples)


def test_values_that_cannot_be_added_up_are_refused() -> None:
    with pytest.raises(OverflowError, match="too large"):
        analysis([1.7e308, 1.0])

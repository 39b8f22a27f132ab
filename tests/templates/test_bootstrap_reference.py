"""The template's bootstrap against SciPy's, on the flow of the Nile.

Both draw at random, so single runs differ by a Monte Carlo error. It is measured, not guessed: each
is run with many seeds, and the averages of their bounds are compared in units of the standard error
of the difference, which the spread of the runs gives (Welch's statistic).
"""

import csv
import importlib.util
import sys
from functools import cache
from statistics import NormalDist
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import bootstrap
from workshop import CHECKOUT

REPORT = CHECKOUT / "templates" / "recipes" / "report"
RECORDS = {"figures": ("Histogram", "Interval"), "kind": ("JobNameResult",)}
STATISTICS = {"mean": np.mean, "median": np.median}
RESAMPLES = 10_000
RUNS = 30
# Four bounds are compared, each on two sides; a right program fails one time in a thousand.
LIMIT = NormalDist().inv_cdf(1 - 0.001 / (4 * 2))

Bounds = NDArray[np.float64]  # a row for each run: low, high


@cache
def load_compute() -> ModuleType:
    """The template's module, from its file. Its results are plain records here.

    What they are in a project needs libraries that only projects have.
    """
    sys.modules["template_report"] = ModuleType("template_report")
    for module_name, names in RECORDS.items():
        records = ModuleType(f"template_report.{module_name}")
        vars(records).update(dict.fromkeys(names, SimpleNamespace))
        sys.modules[records.__name__] = records
    spec = importlib.util.spec_from_file_location("template_report.compute", REPORT / "compute.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def load_nile() -> list[float]:
    """The values of the sample."""
    with (REPORT / "page" / "nile.csv").open(newline="") as file:
        return [float(row["value"]) for row in csv.DictReader(file)]


@cache
def bounds_of_template() -> dict[str, Bounds]:
    """The bounds that the template finds with each seed, by statistic."""
    analyse, values = load_compute().analyse, load_nile()
    found = [
        analyse(values, resamples=RESAMPLES, seed=seed, progress=lambda _: None)
        for seed in range(RUNS)
    ]
    intervals = {name: [getattr(run, f"{name}_interval") for run in found] for name in STATISTICS}
    return {
        name: np.array([(interval.low, interval.high) for interval in runs])
        for name, runs in intervals.items()
    }


@cache
def bounds_of_scipy(
    statistic: str, method: str = "percentile", confidence: float = 0.95, first_seed: int = 0
) -> Bounds:
    """The bounds that SciPy finds with each seed."""
    values = (load_nile(),)
    runs = [
        bootstrap(
            values,
            STATISTICS[statistic],
            n_resamples=RESAMPLES,
            confidence_level=confidence,
            method=method,
            rng=np.random.default_rng(seed),
        ).confidence_interval
        for seed in range(first_seed, first_seed + RUNS)
    ]
    return np.array(runs)


def distance(found: Bounds, expected: Bounds) -> NDArray[np.float64]:
    """How far the averages of the low and of the high bounds are apart, in standard errors."""
    variance = found.var(axis=0, ddof=1) / len(found) + expected.var(axis=0, ddof=1) / len(expected)
    return np.abs(found.mean(axis=0) - expected.mean(axis=0)) / np.sqrt(variance)


def test_the_sample_is_the_nile() -> None:
    values = load_nile()
    assert len(values) == 100
    assert (values[0], values[-1]) == (1120, 740)
    assert (np.mean(values), np.median(values)) == (919.35, 893.5)
    assert np.std(values, ddof=1) == pytest.approx(169.2275, abs=1e-4)


@pytest.mark.parametrize("statistic", STATISTICS)
def test_intervals_agree_with_scipy(statistic: str) -> None:
    apart = distance(bounds_of_template()[statistic], bounds_of_scipy(statistic))
    assert (apart < LIMIT).all(), apart


@pytest.mark.parametrize("statistic", STATISTICS)
@pytest.mark.parametrize(("method", "confidence"), [("basic", 0.95), ("percentile", 0.94)])
def test_the_comparison_tells_another_method_apart(
    statistic: str, method: str, confidence: float
) -> None:
    other = bounds_of_scipy(statistic, method, confidence, first_seed=1000)
    apart = distance(other, bounds_of_scipy(statistic))
    assert (apart > LIMIT).any(), apart


def test_quantiles_are_those_of_numpy() -> None:
    quantile, values = load_compute().quantile, sorted(load_nile())
    for fraction in np.linspace(0, 1, 81):
        assert quantile(values, fraction) == pytest.approx(np.quantile(values, fraction), rel=1e-14)


def test_histograms_are_those_of_numpy() -> None:
    found = load_compute().histogram(sorted(load_nile()))
    counts, edges = np.histogram(load_nile(), bins="fd")
    assert found.counts == counts.tolist()
    assert found.edges == pytest.approx(edges.tolist())

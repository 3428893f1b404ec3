"""Bootstrap confidence intervals of rates, over distinct sources.

A rate is a statistic of sums over sources, such as correct predictions / sources or edits / target symbols. The
bootstrap (Efron 1979) draws n sources with replacement from the n sources of the test set, many times, and computes the
rate of each sample. The sources are drawn, not the symbols: the errors in one prediction depend on each other.

The intervals are bias-corrected and accelerated (BCa; Efron 1987, "Better bootstrap confidence intervals", section 2).
A percentile interval assumes that the samples are distributed around the rate as the rate around its true value. Rates
near 0 or 1 are skewed, and BCa corrects this.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from henkan.text.arrays import Array

LEVEL = 0.95
RESAMPLES = 10_000
FREQUENT = 16
"""Rows that occur at least so often are not drawn one by one."""

DRAWN_AT_A_TIME = 1 << 20
"""Approximate number of counts and rows in memory at a time, 8 bytes each."""

Statistic = Callable[[Array], Array]
"""Sums over the sources of a sample, (..., V) -> S statistics of the sample, (..., S)."""


class Interval(NamedTuple):
    """A confidence interval.

    Attributes:
        low, high: its limits.
    """

    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.low:.4g} to {self.high:.4g}"

    def complement(self) -> Interval:
        """Return the interval of 1 minus the rate."""
        return Interval(1 - self.high, 1 - self.low)


def intervals(values: Array, statistic: Statistic, bounds: Sequence[tuple[float, float]]) -> list[Interval]:
    """Compute 95 % intervals of statistics by the bootstrap. The seed is fixed, so equal values have equal intervals.

    If all samples have the same value, as those of 100 correct predictions, the bootstrap would give an interval of
    width 0. Then the interval reaches as far from this value as the limit of Wilson (1927) for a share of which n
    sources have shown no case: z^2 / (n + z^2). For an exact match of 0 % or 100 % this is Wilson's interval. For a
    symbol error rate of 0 %, it holds if wrong predictions are wrong in no more symbols than targets have on average.

    Args:
        values: (n, V) values of each source, which are added over the sources of a sample.
        statistic: the statistics of a sample.
        bounds: the lowest and the highest value that each statistic can have.

    Returns:
        one interval for each statistic.
    """
    values = np.asarray(values, float)
    observed = statistic(values.sum(axis=0))
    samples = resampled(values, statistic) if len(values) > 1 else observed[None]
    left_out = _jackknife(values, statistic) if len(values) > 1 else observed[None]
    margin = margin_without_cases(len(values))
    found = []
    for value, sample, others, (lowest, highest) in zip(observed.tolist(), samples.T, left_out.T, bounds, strict=True):
        if np.ptp(sample) <= 1e-12 * max(1.0, abs(value)):
            low, high = value - margin, value + margin
        else:
            low, high = np.quantile(sample, _bca_levels(value, sample, others)).tolist()
        found.append(Interval(max(low, lowest), min(high, highest)))
    return found


def resampled(values: Array, statistic: Statistic) -> Array:
    """Return the statistics (`RESAMPLES`, S) of bootstrap samples of the rows of `values` (n, V).

    Values are small counts, so many rows are equal. How often each of the frequent ones is in a sample is multinomial,
    as is the number of all others, which are then drawn one by one. This has the same distribution as drawing n rows
    one by one, and takes a fraction of the time.
    """
    distinct, counts = row_counts(values)
    frequent = counts >= FREQUENT
    rare = np.repeat(distinct[~frequent], counts[~frequent], axis=0)
    shares = np.append(counts[frequent], len(rare)) / len(values)
    generator = np.random.default_rng(0)
    size = max(1, DRAWN_AT_A_TIME // (len(shares) + 2 * len(rare)))
    parts = []
    for start in range(0, RESAMPLES, size):
        drawn = generator.multinomial(len(values), shares, min(size, RESAMPLES - start))
        parts.append(statistic(drawn[:, :-1] @ distinct[frequent] + _sums(generator, rare, drawn[:, -1])))
    return np.concatenate(parts)


def _sums(generator: np.random.Generator, rows: Array, counts: Array) -> Array:
    """Return for each of `counts` (R,) the sum of so many rows, drawn with replacement: (R, V)."""
    found = np.zeros((len(counts), rows.shape[1]))
    chosen = generator.integers(0, max(1, len(rows)), int(counts.sum()))
    filled = np.flatnonzero(counts)
    if len(filled):
        starts = np.cumsum(counts[filled]) - counts[filled]
        for column in range(rows.shape[1]):
            found[filled, column] = np.add.reduceat(rows[chosen, column], starts)
    return found


def row_counts(values: Array) -> tuple[Array, Array]:
    """Return the distinct rows of `values` (n, V), and how often each occurs."""
    distinct, counts = np.unique(values, axis=0, return_counts=True)
    return distinct, counts


def margin_without_cases(count: int) -> float:
    """Return the upper 95 % limit of a share of which `count` sources have shown no case (Wilson 1927)."""
    z = _normal_quantile(0.5 + LEVEL / 2)
    return float(z * z / (count + z * z))


def _jackknife(values: Array, statistic: Statistic) -> Array:
    """Return the statistics (n, S) of all sources but one."""
    return statistic(values.sum(axis=0) - values)


def _bca_levels(value: float, sample: Array, left_out: Array) -> list[float]:
    """Return the levels of the sample's quantiles that are the limits of the interval: Efron (1987), equation 2.3."""
    below = (np.mean(sample < value) + np.mean(sample <= value)) / 2  # counts are discrete: half of the equal ones
    bias = _normal_quantile(float(np.clip(below, 1 / len(sample), 1 - 1 / len(sample))))
    skew = left_out.mean() - left_out
    spread = float((skew**2).sum()) ** 1.5
    acceleration = float((skew**3).sum()) / (6 * spread) if spread else 0.0
    levels = []
    for level in ((1 - LEVEL) / 2, (1 + LEVEL) / 2):
        shifted = bias + _normal_quantile(level)
        levels.append(_normal_distribution(bias + shifted / max(1e-9, 1 - acceleration * shifted)))
    return levels


def _normal_quantile(level: float) -> float:
    from statistics import NormalDist  # imports fractions and random, which predictions do not need

    return NormalDist().inv_cdf(level)


def _normal_distribution(value: float) -> float:
    from statistics import NormalDist

    return NormalDist().cdf(value)

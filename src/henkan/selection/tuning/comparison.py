"""Compares two settings that were trained with the same seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from henkan.selection.tuning.trial import TrialResult
from henkan.text.arrays import Array


@dataclass(frozen=True)
class Comparison:
    """The difference in exact match between two settings.

    Attributes:
        means: mean exact match of the defaults and of the other settings.
        deviations: sample standard deviations over the seeds.
        gain: difference of the means.
        error: standard error of the gain, from the sources and from the seeds.
        freedom: degrees of freedom of the standard error.
    """

    means: tuple[float, float]
    deviations: tuple[float, float]
    gain: float
    error: float
    freedom: float

    @property
    def interval(self) -> tuple[float, float]:
        """95 % confidence interval of the gain, for another validation set of this size and other seeds."""
        half = t_quantile(0.95, self.freedom) * self.error
        return self.gain - half, self.gain + half

    @property
    def verdict(self) -> str:
        """Whether the other settings are "better" or "worse"; "unclear" if the interval contains 0."""
        low, high = self.interval
        return "better" if low > 0 else "worse" if high < 0 else "unclear"


def compare(defaults: Sequence[TrialResult], others: Sequence[TrialResult], *, same_sources: bool) -> Comparison:
    """Compare results with the same seeds.

    Sources and seeds are random effects. The variance of the gain is the sum of what the sources and what the seeds
    contribute, where the part that both contain counts once; its degrees of freedom are those of Satterthwaite (1946).

    Args:
        defaults: results of the defaults, one for each of two or more seeds.
        others: results of the other settings.
        same_sources: whether the sources of all results are the same, in the same order. Otherwise each seed has
            another validation set.
    """
    matches = np.array([[each.exact_match for each in results] for results in (defaults, others)])
    rows = [
        np.subtract(other.right, default.right, dtype=float) for default, other in zip(defaults, others, strict=True)
    ]
    seeds, by_seed = len(rows), matches[1] - matches[0]
    seed_part = by_seed.var(ddof=1) / seeds
    source_part, source_freedom, both = _source_part(np.array(rows)) if same_sources else _separate_sources(rows)
    variance = max(seed_part + source_part - both, seed_part, source_part)
    parts = seed_part**2 / (seeds - 1) + (source_part**2 / source_freedom if source_part else 0.0)
    freedom = variance**2 / parts if parts else np.inf
    means, deviations = matches.mean(axis=1).tolist(), matches.std(axis=1, ddof=1).tolist()
    gain, error = means[1] - means[0], float(np.sqrt(variance))
    return Comparison((means[0], means[1]), (deviations[0], deviations[1]), gain, error, float(freedom))


def _source_part(rows: Array) -> tuple[float, float, float]:
    """Return what the sources contribute to the variance of the mean, its degrees of freedom, and its common part.

    Args:
        rows: differences of each seed and source: (S, n).
    """
    seeds, count = rows.shape
    if count == 1:
        return 0.0, 1.0, 0.0
    residuals = rows - rows.mean(axis=0) - rows.mean(axis=1, keepdims=True) + rows.mean()
    both = float((residuals**2).sum()) / ((seeds - 1) * (count - 1)) / (seeds * count)
    return float(rows.mean(axis=0).var(ddof=1)) / count, count - 1.0, both


def _separate_sources(rows: Sequence[Array]) -> tuple[float, float, float]:
    """Return the same if each seed has other sources. Then the variance between seeds contains all of it."""
    part = sum(float(each.var(ddof=1)) / len(each) for each in rows if len(each) > 1) / len(rows) ** 2
    return part, max(1.0, float(sum(len(each) - 1 for each in rows))), part


def t_quantile(level: float, freedom: float) -> float:
    """Return the limit that a value of Student's t distribution exceeds in absolute value with probability 1 - level.

    With t = sqrt(freedom) tan(angle), the density of the angle is proportional to cos(angle)^(freedom - 1).

    >>> round(t_quantile(0.95, 2), 3)
    4.303
    """
    freedom = min(freedom, 1e4)  # practically the normal distribution
    angles = np.linspace(0, np.pi / 2, 100_001)
    density = np.cos(angles) ** (freedom - 1)
    shares = np.concatenate([[0.0], np.cumsum(density[1:] + density[:-1])])
    return float(np.sqrt(freedom) * np.tan(np.interp(level, shares / shares[-1], angles)))

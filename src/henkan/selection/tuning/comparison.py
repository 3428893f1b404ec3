"""Compares two settings that were trained with the same seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from henkan.selection.tuning.trial import Measured

NORMAL_95 = 1.96


@dataclass(frozen=True)
class Comparison:
    """The difference in exact match between two settings.

    Attributes:
        means: mean exact match of the defaults and of the other settings.
        deviations: sample standard deviations over the seeds.
        gain: difference of the means.
        error: standard error of the gain, from the sources and from the seeds.
    """

    means: tuple[float, float]
    deviations: tuple[float, float]
    gain: float
    error: float

    @property
    def interval(self) -> tuple[float, float]:
        """95 % confidence interval of the gain, for another validation set of this size and other seeds."""
        return self.gain - NORMAL_95 * self.error, self.gain + NORMAL_95 * self.error

    @property
    def verdict(self) -> str:
        """Whether the other settings are "better" or "worse"; "unclear" if the interval contains 0."""
        low, high = self.interval
        return "better" if low > 0 else "worse" if high < 0 else "unclear"


def compare(defaults: Sequence[Measured], others: Sequence[Measured], *, same_sources: bool) -> Comparison:
    """Compare results with the same seeds.

    The standard error is the larger of two: that of the differences of the sources, each averaged over the seeds, and
    that of the differences of the seeds.

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
    sources = np.mean(rows, axis=0) if same_sources else np.concatenate(rows)
    by_seed = matches[1] - matches[0]
    errors = [sample.std(ddof=1) / np.sqrt(len(sample)) for sample in (sources, by_seed) if len(sample) > 1]
    means, deviations = matches.mean(axis=1).tolist(), matches.std(axis=1, ddof=1).tolist()
    return Comparison((means[0], means[1]), (deviations[0], deviations[1]), means[1] - means[0], float(max(errors)))

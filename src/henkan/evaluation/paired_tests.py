"""Tests of the hypothesis that two models are equally good on the sources that both have predicted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from henkan.evaluation.intervals import RESAMPLES, Statistic, row_counts
from henkan.text.arrays import Array


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the two-sided p-value of the exact McNemar test (McNemar 1947; exact as in Agresti 2013, section 11.1.2).

    Sources that both models get right, or both get wrong, do not distinguish them. If the models are equally good,
    each of the other sources favours either with probability 1/2, so the counts are binomial.

    Args:
        only_first, only_second: number of sources that only this model gets right.

    >>> round(mcnemar(1, 9), 4)
    0.0215
    """
    count, fewer = only_first + only_second, min(only_first, only_second)
    log_factorials = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, count + 1)))])
    drawn = np.arange(fewer + 1)
    logs = log_factorials[count] - log_factorials[drawn] - log_factorials[count - drawn] - count * np.log(2)
    return min(1.0, 2 * float(np.exp(logs).sum()))


def randomization_test(values: Array, statistic: Statistic) -> float:
    """Return the two-sided p-value of a paired randomization test (Noreen 1989; Riezler and Maxwell 2005).

    If the models are equally good, the results of a source may be exchanged without changing the distribution of the
    difference. They are exchanged at random, `RESAMPLES` times; the p-value is the share of differences that are at
    least as large as the observed one, which counts as one of them (Phipson and Smyth 2010), so it is never 0.

    Args:
        values: (n, 2, V) the values of each source with each of the two models.
        statistic: sums over sources (..., V) -> statistic (...,), such as the symbol error rate.
    """
    values = np.asarray(values, float)
    totals = values.sum(axis=0)  # (2, V)
    observed = abs(float(statistic(totals[1]) - statistic(totals[0])))
    exchanged = values[:, 1] - values[:, 0]  # what exchanging a source adds to the first model's sum
    distinct, counts = row_counts(exchanged)
    # Sources with the same values are exchanged in binomial numbers.
    moved = np.random.default_rng(0).binomial(counts, 0.5, (RESAMPLES, len(counts))) @ distinct
    differences = np.abs(statistic(totals[1] - moved) - statistic(totals[0] + moved))
    return float((1 + np.count_nonzero(differences >= observed - 1e-12)) / (1 + RESAMPLES))


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct p-values for their number (Holm 1979), so that the risk of any false difference stays below the level.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    corrected, largest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = largest
    return corrected

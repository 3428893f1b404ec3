"""Confidence calibration (Guo et al. 2017): temperature, calibration error and coverage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

TEMPERATURES = tuple(np.geomspace(0.25, 8, 41).tolist())
"""Candidate temperatures."""


class Calibration:
    """Fits the temperature that minimises the cross-entropy between confidence and correctness.

    The labels are smoothed (Platt 1999): a correct prediction has the label (n + 1) / (n + 2), where n is the number of
    correct predictions, and a wrong one 1 / (m + 2), where m is the number of wrong predictions. So a model without
    errors does not become certain of every prediction.

    Predictions can be added in several calls. Only sums are kept.
    """

    def __init__(self) -> None:
        self._counts = np.zeros(2, int)  # of wrong and of correct predictions
        self._logs, self._others = np.zeros((2, 2, len(TEMPERATURES)))  # sums of log p and of log(1 - p)

    def add(self, log_probabilities: NDArray[Any] | Sequence[Sequence[float]], right: Sequence[bool]) -> None:
        """Add N predictions.

        Args:
            log_probabilities: (K, N) log-probabilities in nats, with one row for each of `TEMPERATURES`. Predictions
                with log-probabilities that are not finite are ignored.
            right: (N,) whether each prediction is correct.
        """
        logs, y = np.asarray(log_probabilities, float), np.asarray(right, bool)
        finite = np.isfinite(logs).all(axis=0)
        logs, y = np.minimum(logs[:, finite], -1e-9), y[finite]
        for label, rows in enumerate((~y, y)):
            self._counts[label] += rows.sum()
            self._logs[label] += logs[:, rows].sum(axis=1)
            self._others[label] += np.log(-np.expm1(logs[:, rows])).sum(axis=1)

    def temperature(self) -> float:
        """Return the best of `TEMPERATURES`; 1 if there are no predictions."""
        wrong, right = self._counts.tolist()
        if not wrong + right:
            return 1.0
        labels = np.array([[1 / (wrong + 2)], [(right + 1) / (right + 2)]])
        losses = -(labels * self._logs + (1 - labels) * self._others).sum(axis=0)
        return float(TEMPERATURES[int(losses.argmin())])


def expected_calibration_error(confidences: Sequence[float], right: Sequence[bool], bins: int = 10) -> float:
    """Expected calibration error (Guo et al. 2017), from 0 to 1.

    It is the mean absolute difference between confidence and accuracy over bins of equal width, weighted by the number
    of predictions in each bin.

    Args:
        confidences: confidence of each prediction, from 0 to 1.
        right: whether each prediction is correct.
        bins: number of bins.
    """
    p, y = np.asarray(confidences, float), np.asarray(right, float)
    if not len(p):
        return 0.0
    bin_of = np.minimum((p * bins).astype(int), bins - 1)
    gaps = [abs(p[bin_of == k].sum() - y[bin_of == k].sum()) for k in range(bins)]
    return float(sum(gaps) / len(p))


def coverage(
    confidences: Sequence[float], right: Sequence[bool], shares: Sequence[float] = (1, 0.95, 0.9, 0.8, 0.7, 0.5)
) -> list[tuple[float, float, float]]:
    """Accuracy of the most confident predictions.

    Args:
        confidences: confidence of each prediction, from 0 to 1.
        right: whether each prediction is correct.
        shares: shares of the predictions to keep, from 0 to 1.

    Returns:
        for each share: the share that is kept after rounding to a number of predictions, their minimum confidence and
        their accuracy.
    """
    p, y = np.asarray(confidences, float), np.asarray(right, float)
    if not len(p):
        return []
    order = np.argsort(-p, kind="stable")
    counts = [max(1, round(share * len(p))) for share in shares]
    return [(count / len(p), float(p[order[count - 1]]), float(y[order[:count]].mean())) for count in counts]

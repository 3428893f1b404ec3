"""How much a model's probabilities can be believed (Guo et al. 2017)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

TEMPERATURES = tuple(np.geomspace(0.25, 8, 41).tolist())


class Calibration:
    """Finds the temperature at which answers' probabilities say best which of them are right.

    That is the one with the least cross-entropy. What is right counts as slightly less than certain (Platt 1999): of n
    right answers as (n + 1) / (n + 2), so that a model without an error is not made sure of everything.

    Of the answers, which may come in parts, only sums are kept.
    """

    def __init__(self) -> None:
        self._counts = np.zeros(2, int)  # wrong answers, right ones
        self._logs, self._others = np.zeros((2, 2, len(TEMPERATURES)))  # sums of log p and of log(1 - p) over them

    def add(self, log_probabilities: NDArray[Any] | Sequence[Sequence[float]], right: Sequence[bool]) -> None:
        """Take some answers into account.

        Args:
            log_probabilities: for each of `TEMPERATURES`, of each answer, in nats.
            right: whether each answer is right. An answer without a finite log-probability does not count.
        """
        logs, y = np.asarray(log_probabilities, float), np.asarray(right, bool)
        known = np.isfinite(logs).all(axis=0)
        logs, y = np.minimum(logs[:, known], -1e-9), y[known]
        for side, rows in enumerate((~y, y)):
            self._counts[side] += rows.sum()
            self._logs[side] += logs[:, rows].sum(axis=1)
            self._others[side] += np.log(-np.expm1(logs[:, rows])).sum(axis=1)

    def temperature(self) -> float:
        """The best of `TEMPERATURES`; 1 if no answer counts."""
        wrong, right = self._counts.tolist()
        if not wrong + right:
            return 1.0
        wanted = np.array([[1 / (wrong + 2)], [(right + 1) / (right + 2)]])
        losses = -(wanted * self._logs + (1 - wanted) * self._others).sum(axis=0)
        return float(TEMPERATURES[int(losses.argmin())])


def expected_calibration_error(confidences: Sequence[float], right: Sequence[bool], bins: int = 10) -> float:
    """The mean distance between confidence and accuracy, over bins of equal width, weighted by what is in each."""
    p, y = np.asarray(confidences, float), np.asarray(right, float)
    if not len(p):
        return 0.0
    place = np.minimum((p * bins).astype(int), bins - 1)
    gaps = [abs(p[place == k].sum() - y[place == k].sum()) for k in range(bins)]
    return float(sum(gaps) / len(p))


def coverage(
    confidences: Sequence[float], right: Sequence[bool], shares: Sequence[float] = (1, 0.95, 0.9, 0.8, 0.7, 0.5)
) -> list[tuple[float, float, float]]:
    """If only the surest answers are given: (share that is answered, least confidence there, accuracy there)."""
    p, y = np.asarray(confidences, float), np.asarray(right, float)
    if not len(p):
        return []
    order = np.argsort(-p, kind="stable")
    counts = [max(1, round(share * len(p))) for share in shares]
    return [(count / len(p), float(p[order[count - 1]]), float(y[order[:count]].mean())) for count in counts]

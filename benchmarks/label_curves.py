"""Learning curves of simulated annotation: how many labels two strategies need for the same error rate."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log
from typing import Any

START = 200
"""Number of labels that all strategies start from."""

Record = dict[str, Any]
"""A training run: language, seed, strategy, labels, error, and more."""


@dataclass(frozen=True)
class Curve:
    """Error rates by numbers of labels.

    Attributes:
        labels: numbers of labels, ascending.
        errors: error rates, not ascending.
    """

    labels: Sequence[int]
    errors: Sequence[float]

    @classmethod
    def of(cls, points: dict[int, float]) -> Curve:
        """Make the error rates monotone: the mean of neighbours that are in the wrong order, by least squares."""
        blocks: list[list[float]] = []
        for size in sorted(points):
            blocks.append([points[size]])
            while len(blocks) > 1 and statistics.fmean(blocks[-2]) < statistics.fmean(blocks[-1]):
                blocks[-2:] = [blocks[-2] + blocks[-1]]
        return cls(sorted(points), [statistics.fmean(block) for block in blocks for _ in block])

    def labels_for(self, error: float) -> float | None:
        """Return the number of labels for an error rate; None if it is not reached."""
        for (left, high), (right, low) in zip(self._points(), self._points()[1:], strict=False):
            if low <= error <= high:
                share = 0.0 if high == low else (high - error) / (high - low)
                return exp(log(left) + share * (log(right) - log(left)))
        return float(self.labels[0]) if error > self.errors[0] else None

    def _points(self) -> list[tuple[int, float]]:
        return list(zip(self.labels, self.errors, strict=True))


def curve(records: Sequence[Record], strategy: str) -> Curve:
    """The curve of a strategy in one language, averaged over the seeds. The start belongs to all strategies."""
    points: dict[int, list[float]] = {}
    for each in records:
        if each["strategy"] == strategy or each["labels"] == START:
            points.setdefault(each["labels"], []).append(each["error"])
    return Curve.of({size: statistics.fmean(errors) for size, errors in points.items()})


def compare(records: Sequence[Record], strategy: str) -> list[Record]:
    """Compare a strategy with random choice in one language, at the error rates of random choice."""
    others, random = curve(records, strategy), curve(records, "random")
    found = []
    for size, error in zip(random.labels, random.errors, strict=True):
        if size == START:
            continue
        base, needed = random.labels_for(error), others.labels_for(error)
        assert base is not None
        found.append(
            {
                "random_labels": size,
                "error": error,
                "labels": needed,
                "ratio_new": None if needed is None else (needed - START) / (base - START),
                "ratio_all": None if needed is None else needed / base,
            }
        )
    return found


def means(found: dict[str, dict[str, list[Record]]]) -> dict[str, dict[str, dict[str, float]]]:
    """Geometric means of the ratios over the languages; strategy -> labels of random choice -> kind of ratio."""
    result: dict[str, dict[str, dict[str, float]]] = {}
    for strategy, languages in found.items():
        sizes = sorted({one["random_labels"] for compared in languages.values() for one in compared})
        for size in sizes:
            each = [one for compared in languages.values() for one in compared if one["random_labels"] == size]
            for name in ("ratio_new", "ratio_all"):
                values = [one[name] for one in each]
                if values and None not in values:
                    mean = exp(statistics.fmean(log(max(value, 0.01)) for value in values))
                    result.setdefault(strategy, {}).setdefault(str(size), {})[name] = round(mean, 3)
    return result

"""Learning curves of simulated annotation: how many labels two strategies need for the same error rate."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp, log
from typing import Any

START = 200
"""Number of labels that all strategies start from."""

RATIOS = ("ratio_new", "ratio_all", "ratio_new_letters")
"""Of labels after the start, of all labels, and of the letters of the labels after the start."""

Record = dict[str, Any]
"""A training run: language, seed, strategy, labels, error, and more."""


@dataclass(frozen=True)
class Curve:
    """Error rates by numbers of labels.

    Attributes:
        labels: numbers of labels, ascending.
        letters: numbers of letters of the labelled words.
        errors: error rates, not ascending.
    """

    labels: Sequence[float]
    letters: Sequence[float]
    errors: Sequence[float]

    @classmethod
    def of(cls, records: Sequence[Record], strategy: str) -> Curve:
        """The curve of a strategy in one language, averaged over the seeds. The start belongs to all strategies.

        Error rates are made monotone: by the mean of neighbours that are in the wrong order, which is the least squares
        fit (isotonic regression).
        """
        mine = [each for each in records if each["strategy"] == strategy or each["labels"] == START]
        labels = sorted({each["labels"] for each in mine})
        errors, letters = (
            [statistics.fmean(each[name] for each in mine if each["labels"] == size) for size in labels]
            for name in ("error", "letters")
        )
        blocks: list[list[float]] = []
        for error in errors:
            blocks.append([error])
            while len(blocks) > 1 and statistics.fmean(blocks[-2]) < statistics.fmean(blocks[-1]):
                blocks[-2:] = [blocks[-2] + blocks[-1]]
        return cls(labels, letters, [statistics.fmean(block) for block in blocks for _ in block])

    def needed(self, error: float, amounts: Sequence[float]) -> float | None:
        """Return the number of labels, or of letters, for an error rate; None if it is not reached.

        Args:
            error: the error rate.
            amounts: `labels` or `letters`, between whose logarithms is interpolated.
        """
        points = list(zip(amounts, self.errors, strict=True))
        for (left, high), (right, low) in pairwise(points):
            if low <= error <= high:
                share = 0.0 if high == low else (high - error) / (high - low)
                return exp(log(left) + share * (log(right) - log(left)))
        return float(amounts[0]) if error > self.errors[0] else None


def compare(records: Sequence[Record], strategy: str) -> list[Record]:
    """Compare a strategy with random choice in one language, at the error rates of random choice."""
    others, random = Curve.of(records, strategy), Curve.of(records, "random")
    return [
        {"random_labels": size, "error": error, "labels": others.needed(error, others.labels)}
        | {"ratio_new": _ratio(others, random, error, "labels", new=True)}
        | {"ratio_all": _ratio(others, random, error, "labels", new=False)}
        | {"ratio_new_letters": _ratio(others, random, error, "letters", new=True)}
        for size, error in zip(random.labels, random.errors, strict=True)
        if size != START
    ]


def _ratio(others: Curve, random: Curve, error: float, name: str, *, new: bool) -> float | None:
    """The ratio of labels or letters for an error rate; `new`: without those of the start."""
    needed, base = (each.needed(error, getattr(each, name)) for each in (others, random))
    start = getattr(random, name)[0] if new else 0
    return None if needed is None or base is None else (needed - start) / (base - start)


def means(found: dict[str, dict[str, list[Record]]]) -> dict[str, dict[str, dict[str, float]]]:
    """Geometric means of the ratios over the languages; strategy -> labels of random choice -> kind of ratio."""
    result: dict[str, dict[str, dict[str, float]]] = {}
    for strategy, languages in found.items():
        sizes = sorted({one["random_labels"] for compared in languages.values() for one in compared})
        for size in sizes:
            each = [one for compared in languages.values() for one in compared if one["random_labels"] == size]
            for name in RATIOS:
                values = [one[name] for one in each]
                if values and None not in values:
                    mean = exp(statistics.fmean(log(max(value, 0.01)) for value in values))
                    result.setdefault(strategy, {}).setdefault(str(size), {})[name] = round(mean, 3)
    return result

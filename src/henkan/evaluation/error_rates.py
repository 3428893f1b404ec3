"""Error rates and other statistics of a model's predictions."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from henkan.evaluation.evaluation_set import Counts, Prediction, judge
from henkan.evaluation.intervals import Interval, intervals
from henkan.evaluation.references import References
from henkan.inference.calibration import coverage, expected_calibration_error
from henkan.inference.conversion import Conversion, Request
from henkan.inference.converter import Converter
from henkan.inference.lexicon import FROM_LEXICON
from henkan.text.arrays import Array
from henkan.text.pairs import Pairs

NOTHING = ""
"""Placeholder in a confusion for an inserted or deleted symbol."""


class RateIntervals(NamedTuple):
    """95 % confidence intervals; see `henkan.evaluation.intervals`."""

    exact_match: Interval
    word_error_rate: Interval
    symbol_error_rate: Interval


@dataclass(frozen=True)
class Evaluation:
    """Predictions for a set of pairs, and their statistics.

    All statistics count each distinct source once. If a source has several targets, each of them is correct, and a
    wrong prediction is compared with the nearest.

    Attributes:
        conversions: the conversion of each distinct source.
        references: the pairs.
        calibrated: whether the confidences are calibrated.
    """

    conversions: Sequence[Conversion]
    references: References
    calibrated: bool = True

    @cached_property
    def predictions(self) -> Sequence[Prediction]:
        """The conversions with their targets."""
        return judge(self.conversions, self.references)

    @cached_property
    def counts(self) -> Counts:
        """Counts of the predictions."""
        counts = Counts()
        counts.add(self.predictions)
        return counts

    @property
    def exact_match(self) -> float:
        """Share of correct predictions, from 0 to 1."""
        return self.counts.exact_match

    @property
    def word_error_rate(self) -> float:
        """Share of wrong predictions, from 0 to 1."""
        return 1 - self.exact_match if len(self.conversions) else 0.0

    @cached_property
    def _nearest(self) -> Sequence[tuple[Sequence[str], Sequence[str]]]:
        """For each source, the symbols of the nearest target, and those of the prediction."""
        found = []
        for each in self.predictions:
            target = each.symbols(each.target)
            found.append((target, target if each.right else each.symbols(each.conversion.prediction or "")))
        return found

    @property
    def symbol_error_rate(self) -> float:
        """Edit distance (Levenshtein 1966) between predictions and targets, per symbol of the targets.

        It can exceed 1. A missing prediction counts as an empty one.
        """
        edits, symbols = self.errors[:, 1:].sum(axis=0).tolist()
        return float(edits / max(1, symbols))

    @cached_property
    def errors(self) -> Array:
        """For each distinct source, (n, 3): whether the prediction is correct, its edits, symbols of the target."""
        from rapidfuzz.distance import Levenshtein

        rows = [
            (each.right, 0 if each.right else Levenshtein.distance(target, predicted), len(target))
            for each, (target, predicted) in zip(self.predictions, self._nearest, strict=True)
        ]
        return np.array(rows, np.int64).reshape(-1, 3)

    @cached_property
    def intervals(self) -> RateIntervals:
        """95 % confidence intervals of the rates, by the bootstrap over distinct sources."""
        exact, symbol = rate_intervals(self.errors)
        return RateIntervals(exact, exact.complement(), symbol)

    def by_length(self) -> dict[int, tuple[int, int]]:
        """Return source length in symbols -> (number of correct predictions, number of sources)."""
        counts: dict[int, list[int]] = defaultdict(lambda: [0, 0])
        for each in self.predictions:
            count = counts[len(self.references.source_tokenizer.tokenize(each.conversion.source))]
            count[0] += each.right
            count[1] += 1
        return {length: (right, total) for length, (right, total) in sorted(counts.items())}

    @property
    def expected_calibration_error(self) -> float:
        """See `henkan.inference.calibration.expected_calibration_error`; requires conversions with confidences.

        Predictions whose confidence cannot be estimated are left out.
        """
        estimated = [
            each for each in self.predictions if each.conversion.confidence is not None or each.conversion.reason
        ]
        return expected_calibration_error(*_confidences(estimated))

    def coverage(self) -> list[tuple[float, float, float]]:
        """See `henkan.inference.calibration.coverage`; requires conversions with confidences.

        Predictions whose confidence cannot be estimated are the least confident. Those from a lexicon count as certain,
        because a model never abstains from them.
        """
        return coverage(*_confidences(self.predictions))

    def confusions(self) -> list[tuple[str, str, int]]:
        """Return (symbol of the target, symbol of the prediction, count), most frequent first.

        Symbols are aligned with the smallest number of edits. The counterpart of an inserted or deleted symbol is
        `NOTHING`.
        """
        from rapidfuzz.distance import Levenshtein

        counts: Counter[tuple[str, str]] = Counter()
        for target, predicted in self._nearest:
            for edit in Levenshtein.editops(target, predicted):
                true = NOTHING if edit.tag == "insert" else target[edit.src_pos]
                given = NOTHING if edit.tag == "delete" else predicted[edit.dest_pos]
                counts[true, given] += 1
        return [(true, given, count) for (true, given), count in counts.most_common()]

    def to_dict(self) -> dict[str, Any]:
        """Return all results as values that can be converted to JSON. Each interval is a list of its two limits."""
        counts = self.counts
        return {
            "exact_match": self.exact_match,
            "word_error_rate": self.word_error_rate,
            "symbol_error_rate": self.symbol_error_rate,
            "intervals": {name: list(interval) for name, interval in self.intervals._asdict().items()},
            "correct": counts.correct,
            "total": counts.total,
            "pairs": len(self.references),
            "unanswerable": counts.unanswerable,
            "unknown": counts.unknown,
            "outside": counts.outside,
            "cut_off": counts.cut_off,
            "from_lexicon": counts.from_lexicon,
            "expected_calibration_error": self.expected_calibration_error,
            "coverage": self.coverage(),
            "by_length": self.by_length(),
            "confusions": self.confusions(),
        }

    def __str__(self) -> str:
        from henkan.evaluation.report import summary_lines  # predictions do not need it

        return "\n".join(summary_lines(self)).strip("\n")

    def __repr__(self) -> str:
        return str(self)


def rate_intervals(errors: Array) -> tuple[Interval, Interval]:
    """Return the intervals of exact match and symbol error rate for the rows of `Evaluation.errors`."""
    ones = np.ones((len(errors), 1), np.int64)
    exact, symbol = intervals(np.hstack([errors, ones]), _rates, [(0.0, 1.0), (0.0, np.inf)])
    return exact, symbol


def _rates(sums: Array) -> Array:
    """Sums of correct predictions, edits, target symbols and sources (..., 4) -> the two rates (..., 2)."""
    return np.stack([sums[..., 0] / np.maximum(1, sums[..., 3]), sums[..., 1] / np.maximum(1, sums[..., 2])], axis=-1)


def _confidences(predictions: Sequence[Prediction]) -> tuple[list[float], list[bool]]:
    confidences = [
        1.0 if each.conversion.origin == FROM_LEXICON else each.conversion.confidence or 0.0 for each in predictions
    ]
    return confidences, [each.right for each in predictions]


def evaluate(converter: Converter, pairs: Pairs, request: Request = Request()) -> Evaluation:  # noqa: B008
    """Evaluate a model on a set of pairs. Each distinct source is predicted once.

    Args:
        converter: the model.
        pairs: sources and targets.
        request: how to convert the sources.
    """
    references = References.of(pairs, converter.source_vocabulary, converter.target_vocabulary)
    sources = [pairs.sources[row] for row in references.rows.tolist()]
    return Evaluation(converter.convert(sources, request), references, converter.temperature is not None)

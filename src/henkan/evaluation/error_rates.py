"""Error rates and other statistics of a model's predictions."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from henkan.evaluation.evaluation_set import Counts, Prediction, judge
from henkan.evaluation.references import References
from henkan.inference.calibration import coverage, expected_calibration_error
from henkan.inference.conversion import Conversion, Request
from henkan.inference.converter import Converter
from henkan.inference.lexicon import FROM_LEXICON
from henkan.text.pairs import Pairs

NOTHING = ""
"""Placeholder in a confusion for an inserted or deleted symbol."""


@dataclass(frozen=True)
class Evaluation:
    """Predictions for a set of pairs, and their statistics.

    All statistics count each distinct source once. If a source has several targets, each of them is correct, and a
    wrong prediction is compared with the nearest.

    Attributes:
        conversions: the conversion of each distinct source.
        references: the pairs.
    """

    conversions: Sequence[Conversion]
    references: References

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
        return [
            (each.symbols(each.target), each.symbols(each.conversion.prediction or "")) for each in self.predictions
        ]

    @property
    def symbol_error_rate(self) -> float:
        """Edit distance (Levenshtein 1966) between predictions and targets, per symbol of the targets.

        It can exceed 1. A missing prediction counts as an empty one.
        """
        from rapidfuzz.distance import Levenshtein

        edits = sum(Levenshtein.distance(target, predicted) for target, predicted in self._nearest)
        return edits / max(1, sum(len(target) for target, _ in self._nearest))

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
    return Evaluation(converter.convert(sources, request), references)

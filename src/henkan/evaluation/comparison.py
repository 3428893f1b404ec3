"""Comparison of models on the same sources.

Exact match and symbol error rate of each model, and their differences, have 95 % intervals by the bootstrap over
sources, which are paired: a sample has the same sources for both models (`henkan.evaluation.intervals`). Whether a
difference in exact match is more than chance is decided by the exact McNemar test, in symbol error rate by a paired
randomization test (`henkan.evaluation.paired_tests`). With more than two models, the p-values of each measure are
corrected for the number of pairs of models (Holm 1979).

These intervals and tests are about the sources: would the difference remain with other sources of the same kind? They
do not say how much another training run with another seed would change the models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from henkan.errors import DataError, SettingsError
from henkan.evaluation.breakdown import Breakdown, by_confidence, by_length, by_rarest_symbol
from henkan.evaluation.common_references import CommonReferences
from henkan.evaluation.error_rates import Evaluation
from henkan.evaluation.evaluation_set import Prediction
from henkan.evaluation.intervals import Interval, intervals
from henkan.evaluation.paired_tests import holm, mcnemar, randomization_test
from henkan.inference.conversion import Request
from henkan.inference.converter import Converter
from henkan.text.arrays import Array
from henkan.text.pairs import Pairs

SIGNIFICANT = 0.05
"""A difference with a smaller p-value is reported as shown."""


class ComparedModel(NamedTuple):
    """A model to compare.

    Attributes:
        name: its name in the results.
        converter: the model.
        request: how to convert the sources, with its own lexicon.
    """

    name: str
    converter: Converter
    request: Request = Request()


@dataclass(frozen=True)
class Difference:
    """Difference between two models in one measure.

    Attributes:
        first, second: positions of the models.
        value: the measure of the second model minus that of the first.
        interval: 95 % interval of `value`.
        p: p-value of the paired test, corrected if there are more than two models.
    """

    first: int
    second: int
    value: float
    interval: Interval
    p: float

    @property
    def shown(self) -> bool:
        """Whether the difference is more than chance: the p-value is below `SIGNIFICANT`."""
        return self.p < SIGNIFICANT


class Disagreement(NamedTuple):
    """A source for which the models have different predictions.

    Attributes:
        source: the source.
        predictions: the prediction of each model, with the correct targets.
    """

    source: str
    predictions: Sequence[Prediction]

    @property
    def right(self) -> tuple[bool, ...]:
        """Whether the prediction of each model is correct."""
        return tuple(each.right for each in self.predictions)

    @property
    def is_about_correctness(self) -> bool:
        """Whether one model is right and another wrong."""
        return len(set(self.right)) > 1


@dataclass(frozen=True)
class Comparison:
    """Predictions of several models for the same sources, and how they differ.

    Attributes:
        names: names of the models.
        evaluations: the evaluation of each model. Its predictions are in the form in which all are compared.
        same_symbols: whether the models split targets into the same kind of symbols; if not, the symbol error rates are
            in characters.
        data: name of the pairs, or empty.
    """

    names: Sequence[str]
    evaluations: Sequence[Evaluation]
    same_symbols: bool = True
    data: str = ""

    @property
    def total(self) -> int:
        """Number of distinct sources."""
        return len(self.evaluations[0].conversions)

    @cached_property
    def exact_match_differences(self) -> Sequence[Difference]:
        """Differences in exact match between all pairs of models."""
        found = []
        for first, second in self._pairs:
            rows = np.stack([self.evaluations[each].errors[:, 0] for each in (first, second)], axis=1)
            p = mcnemar(int((rows[:, 0] > rows[:, 1]).sum()), int((rows[:, 1] > rows[:, 0]).sum()))
            ones = np.ones((len(rows), 1), np.int64)
            (interval,) = intervals(np.hstack([rows, ones]), _exact_match_difference, [(-1.0, 1.0)])
            value = float(_exact_match_difference(np.append(rows.sum(axis=0), len(rows)))[0])
            found.append(Difference(first, second, value, interval, p))
        return _corrected(found)

    @cached_property
    def symbol_error_rate_differences(self) -> Sequence[Difference]:
        """Differences in symbol error rate between all pairs of models; a negative one favours the second model."""
        found = []
        for first, second in self._pairs:
            rows = np.hstack([self.evaluations[each].errors[:, 1:] for each in (first, second)])
            (interval,) = intervals(rows, _symbol_error_difference, [(-np.inf, np.inf)])
            p = randomization_test(rows.reshape(-1, 2, 2), _symbol_error_rate)
            found.append(Difference(first, second, float(_symbol_error_difference(rows.sum(axis=0))[0]), interval, p))
        return _corrected(found)

    @cached_property
    def disagreements(self) -> Sequence[Disagreement]:
        """The sources for which the models have different predictions, in the order of the pairs."""
        return [
            Disagreement(predictions[0].conversion.source, predictions)
            for predictions in zip(*(each.predictions for each in self.evaluations), strict=True)
            if len({each.conversion.prediction for each in predictions}) > 1
        ]

    @cached_property
    def breakdowns(self) -> Sequence[Breakdown]:
        """Exact match by length, by rarest symbol and by confidence."""
        return [by_length(self.evaluations), by_rarest_symbol(self.evaluations), by_confidence(self.evaluations)]

    @property
    def outcomes(self) -> dict[tuple[bool, ...], int]:
        """Which models are right -> number of sources, for all combinations that occur."""
        rows = np.stack([each.errors[:, 0] for each in self.evaluations], axis=1).astype(bool)
        found, counts = np.unique(rows, axis=0, return_counts=True)
        return {tuple(row): count for row, count in zip(found.tolist(), counts.tolist(), strict=True)}

    @property
    def _pairs(self) -> Sequence[tuple[int, int]]:
        return list(combinations(range(len(self.names)), 2))

    def to_dict(self) -> dict[str, Any]:
        """Return all results as values that can be converted to JSON. Each interval is a list of its two limits."""
        return {
            "sources": self.total,
            "symbols": "same" if self.same_symbols else "characters",
            "models": [
                {"name": name, **evaluation.to_dict()}
                for name, evaluation in zip(self.names, self.evaluations, strict=True)
            ],
            "differences": [
                {
                    "first": self.names[exact.first],
                    "second": self.names[exact.second],
                    "exact_match": _values(exact),
                    "symbol_error_rate": _values(symbol),
                }
                for exact, symbol in zip(self.exact_match_differences, self.symbol_error_rate_differences, strict=True)
            ],
            "outcomes": [
                {"right": [name for name, right in zip(self.names, rights, strict=True) if right], "sources": count}
                for rights, count in self.outcomes.items()
            ],
            "breakdowns": {each.name: [group.to_dict() for group in each.groups] for each in self.breakdowns},
            "disagreements": [
                {
                    "source": each.source,
                    "targets": list(each.predictions[0].targets),
                    "predictions": [prediction.conversion.prediction for prediction in each.predictions],
                    "right": list(each.right),
                    "confidences": [prediction.conversion.confidence for prediction in each.predictions],
                }
                for each in self.disagreements
            ],
        }

    def __str__(self) -> str:
        from henkan.evaluation.comparison_text import comparison_lines

        return "\n".join(comparison_lines(self))

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        from henkan.evaluation.comparison_html import fragment

        return fragment(self)


def compare(models: Sequence[ComparedModel], pairs: Pairs, data: str = "") -> Comparison:
    """Compare models on a set of pairs. Each distinct source is predicted once by each model.

    The models may differ in everything but whether they read feature tags;
    `henkan.evaluation.common_references.CommonReferences` says how they are judged alike.

    Args:
        models: two or more models with different names.
        pairs: sources and targets.
        data: name of the pairs in the results.

    Raises:
        SettingsError: if there are fewer than two models, or two with the same name.
        DataError: if some of the models read feature tags and others do not.
    """
    names = [each.name for each in models]
    if len(models) < 2:
        raise SettingsError("a comparison needs two or more models")
    if len(set(names)) < len(names):
        raise SettingsError(f"two models have the same name: {', '.join(names)}")
    reads_tags = {each.converter.source_vocabulary.tokenizer.features: each.name for each in models}
    if len(reads_tags) == 2:
        raise DataError(
            f"{reads_tags[True]} reads feature tags, but {reads_tags[False]} does not; compare models with the same "
            "kind of sources"
        )
    common = CommonReferences(
        pairs, [(each.converter.source_vocabulary, each.converter.target_vocabulary) for each in models]
    )
    evaluations = []
    for model in models:
        conversions = model.converter.convert(common.sources, replace(model.request, confidence=True))
        evaluations.append(Evaluation(common.comparable_conversions(conversions), common.references))
    return Comparison(names, evaluations, common.same_symbols, data)


def _corrected(differences: Sequence[Difference]) -> Sequence[Difference]:
    p_values = holm([each.p for each in differences])
    return [replace(each, p=p) for each, p in zip(differences, p_values, strict=True)]


def _values(difference: Difference) -> dict[str, Any]:
    return {"difference": difference.value, "interval": list(difference.interval), "p": difference.p}


def _exact_match_difference(sums: Array) -> Array:
    """Sums of correct predictions of two models, and of sources (..., 3) -> the difference (..., 1)."""
    return (sums[..., 1:2] - sums[..., :1]) / np.maximum(1, sums[..., 2:])


def _symbol_error_rate(sums: Array) -> Array:
    """Sums of edits and of target symbols (..., 2) -> the rate (...,)."""
    rate: Array = sums[..., 0] / np.maximum(1, sums[..., 1])
    return rate


def _symbol_error_difference(sums: Array) -> Array:
    """Sums of edits and of target symbols of two models (..., 4) -> the difference (..., 1)."""
    difference: Array = (_symbol_error_rate(sums[..., 2:]) - _symbol_error_rate(sums[..., :2]))[..., None]
    return difference

"""Exact match of several models by properties of the sources, and by their confidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from henkan.evaluation.error_rates import Evaluation, rate_intervals
from henkan.evaluation.intervals import Interval
from henkan.inference.lexicon import FROM_LEXICON
from henkan.text.arrays import Array

LENGTH_GROUPS = 5
"""Sources are divided by length into up to this many groups of about the same size."""

RARITIES = (1, 5, 20, 100)
"""Upper limits of the groups by the number of sources with the rarest symbol; there is one more group."""

CONFIDENCES = (0.99, 0.95, 0.9, 0.7, 0.5, 0.0)
"""Lower limits of the groups by confidence."""

UNKNOWN = "unknown to a model"
NO_ESTIMATE = "no estimate"


@dataclass(frozen=True)
class Group:
    """Some of the sources.

    Attributes:
        label: which sources.
        correct: for each model, whether its prediction of each source is correct.
    """

    label: str
    correct: Sequence[Array]

    @property
    def totals(self) -> list[int]:
        """The number of sources for each model."""
        return [len(each) for each in self.correct]

    @property
    def rates(self) -> list[float | None]:
        """Exact match of each model; None if it has no such sources."""
        return [float(each.mean()) if len(each) else None for each in self.correct]

    @cached_property
    def intervals(self) -> list[Interval | None]:
        """95 % intervals of `rates`."""
        found: list[Interval | None] = []
        for right in self.correct:
            errors = np.stack([right, np.zeros_like(right), np.zeros_like(right)], axis=1)
            found.append(rate_intervals(errors)[0] if len(right) else None)
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return the group as values that can be converted to JSON."""
        return {
            "label": self.label,
            "sources": self.totals,
            "exact_match": self.rates,
            "intervals": [None if each is None else list(each) for each in self.intervals],
        }


@dataclass(frozen=True)
class Breakdown:
    """Exact match by groups of sources.

    Attributes:
        name: key in `to_dict`.
        heading: what the labels are.
        note: what the groups mean, as a sentence.
        groups: the groups that have sources.
    """

    name: str
    heading: str
    note: str
    groups: Sequence[Group]


def by_length(evaluations: Sequence[Evaluation]) -> Breakdown:
    """Group the sources by their length in symbols, without feature tags."""
    tokenizer = evaluations[0].references.source_tokenizer
    lengths = [len(tokenizer.tokenize(tokenizer.text(source))) for source in _sources(evaluations)]
    note = "Symbols of a source, without feature tags."
    shares = np.arange(1, LENGTH_GROUPS) / LENGTH_GROUPS
    limits = np.unique(np.quantile(lengths, shares, method="inverted_cdf")) if lengths else np.zeros(0)
    return Breakdown("by_length", "source symbols", note, _grouped(lengths, limits, evaluations))


def by_rarest_symbol(evaluations: Sequence[Evaluation]) -> Breakdown:
    """Group the sources by the number of sources of the test set that have their rarest symbol.

    Models do not store how often a symbol was in the training data. So the symbols are counted in the test set, and
    sources with a symbol that one of the models has not seen in training are a group of their own.
    """
    tokenizer = evaluations[0].references.source_tokenizer
    symbols = [set(tokenizer.tokenize(source)) for source in _sources(evaluations)]
    counts = Counter(symbol for each in symbols for symbol in each)
    rarest = [min((counts[symbol] for symbol in each), default=len(symbols)) for each in symbols]
    is_unknown = np.zeros(len(symbols), bool)
    for evaluation in evaluations:
        is_unknown |= np.array([bool(each.unknown) for each in evaluation.conversions], bool)
    groups = _grouped(rarest, np.array(RARITIES), evaluations, ~is_unknown)
    if is_unknown.any():
        groups = [Group(UNKNOWN, [_right(each)[is_unknown] for each in evaluations]), *groups]
    note = (
        "Number of test sources that contain the rarest symbol of the source. Models do not store how often they have "
        "seen a symbol in training."
    )
    return Breakdown("by_rarest_symbol", "rarest symbol in", note, groups)


def by_confidence(evaluations: Sequence[Evaluation]) -> Breakdown:
    """Group the predictions of each model by its own confidence."""
    groups, rights = [], [_right(each) for each in evaluations]
    confidences = [_confidences(each) for each in evaluations]
    upper = np.inf
    for lower in CONFIDENCES:
        rows = [(lower <= each) & (each < upper) for each in confidences]
        label = f"{lower:g} to {min(upper, 1):g}"
        groups.append(Group(label, [right[chosen] for right, chosen in zip(rights, rows, strict=True)]))
        upper = lower
    no_estimate = [right[np.isnan(each)] for right, each in zip(rights, confidences, strict=True)]
    groups.append(Group(NO_ESTIMATE, no_estimate))
    note = (
        "Confidence of each model in its own predictions, so the groups of the models have different sources. "
        "Predictions from a lexicon count as certain."
    )
    return Breakdown("by_confidence", "confidence", note, [each for each in groups if any(each.totals)])


def _sources(evaluations: Sequence[Evaluation]) -> Iterable[str]:
    return (each.source for each in evaluations[0].conversions)


def _right(evaluation: Evaluation) -> Array:
    return evaluation.errors[:, 0].astype(bool)


def _confidences(evaluation: Evaluation) -> Array:
    """The confidence of each prediction; NaN where there is none."""
    found = [
        1.0 if each.origin == FROM_LEXICON else np.nan if each.confidence is None else each.confidence
        for each in evaluation.conversions
    ]
    return np.array(found, float)


def _grouped(
    values: Sequence[int], limits: Array, evaluations: Sequence[Evaluation], chosen: Array | None = None
) -> list[Group]:
    """Divide the chosen sources at these upper limits of a value. A label has the lowest and the highest value."""
    array = np.asarray(values, np.int64)
    bins, groups = np.searchsorted(limits, array, side="left"), []
    for bin in range(len(limits) + 1):
        rows = bins == bin if chosen is None else chosen & (bins == bin)
        if rows.any():
            low, high = int(array[rows].min()), int(array[rows].max())
            label = f"{low:,}" if low == high else f"{low:,} to {high:,}"
            groups.append(Group(label, [_right(each)[rows] for each in evaluations]))
    return groups

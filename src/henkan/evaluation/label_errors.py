"""Find likely label errors: rows that are improbable under a model trained on other rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isnan, nan

import numpy as np

from henkan.errors import DataError, SettingsError
from henkan.inference.converter import Converter
from henkan.text.arrays import Array
from henkan.text.counts import counted
from henkan.text.pairs import Pairs

MAX_FOLDS = 100

Train = Callable[[int, Pairs], Converter]
"""Trains a model for one fold: (number of the fold from 1, training pairs) -> model."""


@dataclass(frozen=True)
class SuspiciousRow:
    """A row, scored by a model that was not trained on it.

    Attributes:
        source, target: the row.
        answer: the model's prediction.
        log_probability: log-probability of the target in nats; minus infinity if the model cannot produce it.
        margin: log-probability of the target minus that of the prediction, in nats; nan if the model cannot read the
            source.
    """

    source: str
    target: str
    answer: str
    log_probability: float
    margin: float


def find_label_errors(
    pairs: Pairs, train: Train, *, folds: int = 5, seed: int = 0, normalize: Callable[[str], str] = str
) -> list[SuspiciousRow]:
    """Rank all rows by their margin under a model that was not trained on them.

    The rows are split into folds for cross-validation; rows with the same source are in the same fold. Each fold is
    scored by a model that was trained on all other folds.

    Args:
        pairs: the rows.
        train: trains the model for one fold.
        folds: number of folds, from 2 to 100.
        seed: random seed of the split.
        normalize: normalises sources before they are compared.

    Returns:
        the rows by increasing margin, most suspicious first; rows whose source the model cannot read come last.

    Raises:
        SettingsError: if the number of folds is out of range.
        DataError: if there are fewer distinct sources than folds.
    """
    if not isinstance(folds, int) or not 2 <= folds <= MAX_FOLDS:
        raise SettingsError(f"folds must be a whole number from 2 to {MAX_FOLDS}, not {folds!r}", argument="folds")
    fold_of_row = fold_of_each(list(map(normalize, pairs.sources)), folds, seed)
    found = []
    for fold in range(folds):
        others = pairs.take(np.flatnonzero(fold_of_row != fold).tolist())
        scored_rows = pairs.take(np.flatnonzero(fold_of_row == fold).tolist())
        found += _scored(train(fold + 1, others), scored_rows)
    return sorted(found, key=lambda suspect: (isnan(suspect.margin), suspect.margin))


def fold_of_each(sources: Sequence[str], folds: int, seed: int) -> Array:
    """Fold of each source; equal sources are in the same fold."""
    distinct = list(dict.fromkeys(sources))
    if len(distinct) < folds:
        raise DataError(
            f"{counted(len(distinct), 'distinct source is', 'distinct sources are')} too few for {folds} folds",
            "fewer_folds",
        )
    order = np.random.default_rng([seed, 5]).permutation(len(distinct))
    fold_of = {distinct[index]: number % folds for number, index in enumerate(order)}
    return np.array([fold_of[source] for source in sources])


def _scored(converter: Converter, pairs: Pairs) -> list[SuspiciousRow]:
    found = []
    [scores] = converter.score(pairs.sources, pairs.targets).tolist()
    for conversion, target, score in zip(converter.convert(pairs.sources), pairs.targets, scores, strict=True):
        unread = conversion.log_probability is None
        margin = nan if unread else score - (conversion.log_probability or 0.0)
        found.append(SuspiciousRow(conversion.source, target, conversion.prediction or "", score, margin))
    return found

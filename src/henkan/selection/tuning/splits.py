"""Pairs to compare settings on, and how they are divided into training and validation sets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from henkan.config import ModelConfig
from henkan.evaluation.label_errors import fold_of_each
from henkan.text.pairs import Pairs, hold_out
from henkan.text.tokenizer import tokenizers

MIN_SOURCES = 500
"""With fewer distinct sources and no validation set, settings are compared by cross-validation: a tenth would be too
few to see a difference."""

FOLDS = 5


@dataclass(frozen=True)
class Examples:
    """Pairs, and the validation set.

    Attributes:
        pairs: the pairs.
        validation: a validation set, or None: a part of the pairs is held out.
        model: settings of the model, which say how sources are compared.
    """

    pairs: Pairs
    validation: Pairs | None
    model: ModelConfig

    @property
    def folds(self) -> int:
        """Number of folds of the cross-validation; 0 if there is one validation set."""
        if self.validation is not None:
            return 0
        normalize = tokenizers(self.model)[0].normalize
        return FOLDS if len({*map(normalize, self.pairs.sources)}) < MIN_SOURCES else 0

    def splits(self, seed: int) -> list[tuple[Pairs, Pairs]]:
        """Return the training and validation sets of one comparison.

        Args:
            seed: random seed of the division.

        Raises:
            DataError: if there are too few sources.
        """
        if not self.folds:
            return [self.split(seed)]
        normalize = tokenizers(self.model)[0].normalize
        fold_of_row = fold_of_each(list(map(normalize, self.pairs.sources)), self.folds, seed)
        return [
            (
                self.pairs.take(np.flatnonzero(fold_of_row != fold).tolist()),
                self.pairs.take(np.flatnonzero(fold_of_row == fold).tolist()),
            )
            for fold in range(self.folds)
        ]

    def split(self, seed: int) -> tuple[Pairs, Pairs]:
        """Return the training and the validation set of a training run with this seed.

        Args:
            seed: random seed of the run.

        Raises:
            DataError: if there are too few sources.
        """
        if self.validation is not None:
            return self.pairs, self.validation
        return hold_out(self.pairs, seed, normalize=tokenizers(self.model)[0].normalize)

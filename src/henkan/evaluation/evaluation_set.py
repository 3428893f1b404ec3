"""Pairs that a model is measured on again and again, in little memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from henkan.evaluation.error_rates import Prediction, as_predicted
from henkan.inference.converter import Converter
from henkan.text.arrays import Array
from henkan.text.pairs import Pairs
from henkan.text.texts import Texts
from henkan.text.vocabulary import Vocabulary


class EvaluationSet:
    """Pairs that converters of the same symbols are asked, as `evaluate` would, but a part at a time in little memory.

    Args:
        pairs: the questions, and their true answers.
        source_vocabulary, target_vocabulary: the converters'.
    """

    def __init__(self, pairs: Pairs, source_vocabulary: Vocabulary, target_vocabulary: Vocabulary) -> None:
        self.pairs, self.sources, self.targets = pairs, pairs.sources, pairs.targets
        self._normalize = source_vocabulary.tokenizer.normalize
        if not target_vocabulary.tokenizer.plain or target_vocabulary.width is not None:
            self.targets = Texts.of(as_predicted(self.targets, target_vocabulary))
        # Which answers are right, without a dictionary of millions of strings: hashes of the pairs, in order.
        hashes = np.fromiter(
            (self._hash(*pair) for pair in zip(self.sources, self.targets, strict=True)), np.int64, count=len(pairs)
        )
        self._order = np.argsort(hashes, kind="stable")
        self._hashes = hashes[self._order]

    def __len__(self) -> int:
        return len(self.sources)

    def ask(
        self, converter: Converter, rows: slice, temperatures: Sequence[float] = ()
    ) -> tuple[list[Prediction], Array]:
        """Predict some of them.

        Args:
            converter: predicts.
            rows: which.
            temperatures: K of them; see `Converter.convert_calibrated`.

        Returns:
            predictions, and their log-probabilities (K, rows) at the temperatures.
        """
        conversions, scores = converter.convert_calibrated(
            self.sources[rows], temperatures=temperatures, among=len(self)
        )
        found = [
            Prediction(conversion, target, self._accepts(conversion.source, conversion.prediction))
            for conversion, target in zip(conversions, self.targets[rows], strict=True)
        ]
        return found, scores

    def _accepts(self, source: str, answer: str | None) -> bool:
        """Whether the answer is one of the source's targets."""
        if answer is None:
            return False
        hashed, source = self._hash(source, answer), self._normalize(source)
        for place in range(int(self._hashes.searchsorted(hashed)), len(self)):
            if self._hashes[place] != hashed:
                return False
            row = int(self._order[place])
            if self.targets[row] == answer and self._normalize(self.sources[row]) == source:
                return True
        return False

    def _hash(self, source: str, target: str) -> int:
        return hash((self._normalize(source), target))

"""Pairs that a model is evaluated on repeatedly, in little memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from henkan.evaluation.references import References
from henkan.inference.conversion import Conversion
from henkan.inference.converter import Converter
from henkan.text.arrays import Array
from henkan.text.pairs import Pairs
from henkan.text.vocabulary import Vocabulary

EXAMPLES_SHOWN = 10
"""Number of predictions that are kept to be shown."""

CHUNK_SIZE = 1 << 14
"""Number of predictions in memory at a time, about three kilobytes each, where only their counts are needed."""


@dataclass(frozen=True)
class Prediction:
    """A source and what the model predicts for it.

    Attributes:
        conversion: the source and the prediction.
        target: the reference.
        right: whether the prediction is one of the source's targets.
    """

    conversion: Conversion
    target: str
    right: bool


@dataclass
class Counts:
    """Counts of predictions.

    Attributes:
        total: number of predictions.
        correct: number of correct ones.
        unanswerable: sources that could not be converted; they count as wrong.
        unknown: sources with symbols that were not in training.
        cut_off: predictions that reached the length limit before they ended.
        first: the first `EXAMPLES_SHOWN` predictions.
    """

    total: int = 0
    correct: int = 0
    unanswerable: int = 0
    unknown: int = 0
    cut_off: int = 0
    first: list[Prediction] = field(default_factory=list)

    def add(self, predictions: Iterable[Prediction]) -> None:
        """Count more predictions."""
        for each in predictions:
            self.total += 1
            self.correct += each.right
            self.unanswerable += each.conversion.reason is not None
            self.unknown += len(each.conversion.unknown) > 0
            self.cut_off += each.conversion.cut_off
            if len(self.first) < EXAMPLES_SHOWN:
                self.first.append(each)

    @property
    def exact_match(self) -> float:
        """The share of correct predictions, from 0 to 1."""
        return self.correct / self.total if self.total else 0.0


class EvaluationSet:
    """Pairs that converters with the same vocabularies are evaluated on, in chunks.

    Args:
        pairs: sources and targets.
        source_vocabulary, target_vocabulary: of the converters.
    """

    def __init__(self, pairs: Pairs, source_vocabulary: Vocabulary, target_vocabulary: Vocabulary) -> None:
        self.pairs = pairs
        self.references = References.of(pairs, source_vocabulary, target_vocabulary)

    def __len__(self) -> int:
        return len(self.pairs)

    def predict(
        self, converter: Converter, rows: slice, temperatures: Sequence[float] = ()
    ) -> tuple[list[Prediction], Array]:
        """Predict the targets of some rows.

        Args:
            converter: the model.
            rows: which.
            temperatures: K of them; see `Converter.convert_calibrated`.

        Returns:
            predictions, and their log-probabilities (K, rows) at the temperatures.
        """
        conversions, scores = converter.convert_calibrated(
            self.pairs.sources[rows], temperatures=temperatures, among=len(self)
        )
        return judge(conversions, self.references.targets[rows], self.references), scores


def judge(conversions: Sequence[Conversion], targets: Sequence[str], references: References) -> list[Prediction]:
    """Conversions beside their targets, and whether they are correct."""
    return [
        Prediction(conversion, target, references.accepts(conversion.source, conversion.prediction))
        for conversion, target in zip(conversions, targets, strict=True)
    ]

"""Sets of pairs for repeated evaluation with little memory."""

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
"""Number of predictions that are kept to be displayed."""

CHUNK_SIZE = 1 << 14
"""Number of predictions in memory at a time, about three kilobytes each."""


@dataclass(frozen=True)
class Prediction:
    """A conversion with its target.

    Attributes:
        conversion: the source and the prediction.
        target: the reference target.
        right: whether the prediction is one of the targets of the source.
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
        unanswerable: number of sources that could not be converted; they count as wrong.
        unknown: number of sources with symbols that were not in training.
        cut_off: number of predictions that reached the length limit before they ended.
        first: the first `EXAMPLES_SHOWN` predictions.
    """

    total: int = 0
    correct: int = 0
    unanswerable: int = 0
    unknown: int = 0
    cut_off: int = 0
    first: list[Prediction] = field(default_factory=list)

    def add(self, predictions: Iterable[Prediction]) -> None:
        """Add predictions to the counts."""
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
        """Share of correct predictions, from 0 to 1."""
        return self.correct / self.total if self.total else 0.0


class EvaluationSet:
    """Pairs for the evaluation of converters with the same vocabularies, in chunks.

    Args:
        pairs: sources and targets.
        source_vocabulary, target_vocabulary: the vocabularies of the converters.
    """

    def __init__(self, pairs: Pairs, source_vocabulary: Vocabulary, target_vocabulary: Vocabulary) -> None:
        self.pairs = pairs
        self.references = References.of(pairs, source_vocabulary, target_vocabulary)

    def __len__(self) -> int:
        return len(self.pairs)

    def predict(
        self, converter: Converter, rows: slice, temperatures: Sequence[float] = ()
    ) -> tuple[list[Prediction], Array]:
        """Evaluate a model on some rows.

        Args:
            converter: the model.
            rows: the rows.
            temperatures: K temperatures; see `Converter.convert_calibrated`.

        Returns:
            the predictions, and their log-probabilities (K, rows) in nats at the temperatures.
        """
        conversions, scores = converter.convert_calibrated(
            self.pairs.sources[rows], temperatures=temperatures, among=len(self)
        )
        return judge(conversions, self.references.targets[rows], self.references), scores


def judge(conversions: Sequence[Conversion], targets: Sequence[str], references: References) -> list[Prediction]:
    """Combine conversions with their targets, and decide whether they are correct."""
    return [
        Prediction(conversion, target, references.accepts(conversion.source, conversion.prediction))
        for conversion, target in zip(conversions, targets, strict=True)
    ]

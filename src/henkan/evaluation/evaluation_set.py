"""Sets of pairs for repeated evaluation with little memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from henkan.evaluation.references import References
from henkan.inference.conversion import Conversion
from henkan.inference.converter import Converter
from henkan.inference.lexicon import FROM_LEXICON
from henkan.text.arrays import Array
from henkan.text.pairs import Pairs
from henkan.text.tokenizer import Tokenizer
from henkan.text.training_range import UNKNOWN_KINDS
from henkan.text.vocabulary import Vocabulary

EXAMPLES_SHOWN = 10
"""Number of predictions that are kept to be displayed."""

CHUNK_SIZE = 1 << 14
"""Number of predictions in memory at a time, about three kilobytes each."""


@dataclass(frozen=True)
class Prediction:
    """The conversion of a source with the targets of this source.

    Attributes:
        conversion: the source and the prediction.
        targets: one or more reference targets.
        tokenizer: the tokenizer of the targets.
    """

    conversion: Conversion
    targets: Sequence[str]
    tokenizer: Tokenizer

    @property
    def right(self) -> bool:
        """Whether the prediction, or that a blank source has none, is one of the targets."""
        return ("" if self.conversion.blank else self.conversion.prediction) in self.targets

    @property
    def target(self) -> str:
        """The target nearest to the prediction: with the smallest edit distance in symbols, and the first of these."""
        if len(self.targets) == 1:
            return self.targets[0]
        from rapidfuzz.distance import Levenshtein

        predicted = self.symbols(self.conversion.prediction or "")
        return min(self.targets, key=lambda target: Levenshtein.distance(self.symbols(target), predicted))

    def symbols(self, text: str) -> Sequence[str]:
        """Split a target into symbols."""
        return list(self.tokenizer.tokenize(text))


@dataclass
class Counts:
    """Counts of predictions, one for each source.

    Attributes:
        total: number of sources.
        correct: number of correct ones.
        unanswerable: number of sources that could not be converted; they count as wrong.
        unknown: number of sources with symbols that were not in training.
        outside: number of sources outside the training data in other ways; see `henkan.text.training_range.KINDS`.
        cut_off: number of predictions that reached the length limit before they ended.
        from_lexicon: number of predictions from a lexicon, not by the model.
        first: the first `EXAMPLES_SHOWN` predictions.
    """

    total: int = 0
    correct: int = 0
    unanswerable: int = 0
    unknown: int = 0
    outside: int = 0
    cut_off: int = 0
    from_lexicon: int = 0
    first: list[Prediction] = field(default_factory=list)

    def add(self, predictions: Iterable[Prediction]) -> None:
        """Add predictions to the counts."""
        for each in predictions:
            self.total += 1
            self.correct += each.right
            self.unanswerable += each.conversion.reason is not None
            self.unknown += len(each.conversion.unknown) > 0
            self.outside += not UNKNOWN_KINDS.issuperset(each.conversion.outside)
            self.cut_off += each.conversion.cut_off
            self.from_lexicon += each.conversion.origin == FROM_LEXICON
            if len(self.first) < EXAMPLES_SHOWN:
                self.first.append(each)

    @property
    def exact_match(self) -> float:
        """Share of correct predictions, from 0 to 1."""
        return self.correct / self.total if self.total else 0.0


class EvaluationSet:
    """Pairs for the evaluation of converters with the same vocabularies, in chunks.

    Each distinct source is predicted and counted once, and `len` is their number. A prediction is correct if it is one
    of the targets of its source.

    Args:
        pairs: sources and targets.
        source_vocabulary, target_vocabulary: the vocabularies of the converters.
    """

    def __init__(self, pairs: Pairs, source_vocabulary: Vocabulary, target_vocabulary: Vocabulary) -> None:
        self.pairs = pairs
        self.references = References.of(pairs, source_vocabulary, target_vocabulary)

    def __len__(self) -> int:
        return len(self.references.rows)

    def predict(
        self, converter: Converter, part: slice, temperatures: Sequence[float] = ()
    ) -> tuple[list[Prediction], Array]:
        """Evaluate a model on some of the sources.

        Args:
            converter: the model.
            part: which of the distinct sources, in the order of their first occurrence.
            temperatures: K temperatures; see `Converter.convert_calibrated`.

        Returns:
            the predictions, and their log-probabilities (K, sources) in nats at the temperatures.
        """
        sources = [self.pairs.sources[row] for row in self.references.rows[part].tolist()]
        conversions, scores = converter.convert_calibrated(sources, temperatures=temperatures, among=len(self))
        return judge(conversions, self.references), scores


def judge(conversions: Sequence[Conversion], references: References) -> list[Prediction]:
    """Combine conversions with the targets of their sources."""
    tokenizer = references.target_tokenizer
    return [Prediction(each, references.targets_of(each.source), tokenizer) for each in conversions]

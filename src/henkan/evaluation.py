"""How well a converter answers pairs that it was not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from henkan.converter import Conversion, Converter
from henkan.text.pairs import Pairs
from henkan.text.vocabulary import FILLER


@dataclass(frozen=True)
class Evaluation:
    """The answers to some pairs.

    Attributes:
        conversions: what became of each source.
        targets: the true answers, in the same order.
    """

    conversions: Sequence[Conversion]
    targets: Sequence[str]

    @property
    def total(self) -> int:
        """How many pairs were asked."""
        return len(self.targets)

    @property
    def correct(self) -> int:
        """How many answers are the target, symbol for symbol."""
        return sum(map(is_correct, self.conversions, self.targets))

    @property
    def unanswerable(self) -> int:
        """How many sources could not be answered; they count as wrong."""
        return sum(conversion.reason is not None for conversion in self.conversions)

    @property
    def exact_match(self) -> float:
        """The share of right answers, from 0 to 1."""
        return self.correct / self.total if self.total else 0.0


def is_correct(conversion: Conversion, target: str) -> bool:
    """Whether the answer is the target, symbol for symbol."""
    return conversion.prediction == target


def evaluate(converter: Converter, pairs: Pairs) -> Evaluation:
    """Ask a converter all sources of some pairs.

    A filled model's answers come without the spaces at their ends, so these do not count in its targets.
    """
    filled = converter.target_vocabulary.width is not None
    targets = [target.rstrip(FILLER) for target in pairs.targets] if filled else pairs.targets
    return Evaluation(converter.convert(pairs.sources), targets)

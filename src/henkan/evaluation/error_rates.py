"""How well a converter answers pairs that it was not trained on."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from henkan.inference.calibration import coverage, expected_calibration_error
from henkan.inference.conversion import Conversion, Request
from henkan.inference.converter import Converter
from henkan.text.pairs import Pairs
from henkan.text.tokenizer import Tokenizer
from henkan.text.vocabulary import FILLER, Vocabulary

NOTHING = ""
"""In a confusion, what stands for a symbol that is missing on one side."""

EXAMPLES_SHOWN = 10
"""How many questions are shown with their answers."""

CHUNK_SIZE = 1 << 14
"""How many answers are in memory at a time, where only their sum is wanted; some three kilobytes each."""


@dataclass(frozen=True)
class Prediction:
    """A question and what became of it.

    Attributes:
        conversion: the question and the answer.
        target: the true answer.
        right: whether the answer is one of the question's true answers.
    """

    conversion: Conversion
    target: str
    right: bool


@dataclass
class Counts:
    """The answers to some pairs, counted.

    Attributes:
        total: how many there are.
        correct: how many are right.
        unanswerable: how many sources could not be answered; they count as wrong.
        unknown: how many sources hold symbols that were not in training.
        cut_off: how many answers did not end within the length bound.
        first: the first `EXAMPLES_SHOWN`.
    """

    total: int = 0
    correct: int = 0
    unanswerable: int = 0
    unknown: int = 0
    cut_off: int = 0
    first: list[Prediction] = field(default_factory=list)

    def add(self, answers: Iterable[Prediction]) -> None:
        """Count some more."""
        for each in answers:
            self.total += 1
            self.correct += each.right
            self.unanswerable += each.conversion.reason is not None
            self.unknown += len(each.conversion.unknown) > 0
            self.cut_off += each.conversion.cut_off
            if len(self.first) < EXAMPLES_SHOWN:
                self.first.append(each)

    @property
    def exact_match(self) -> float:
        """The share of right answers, from 0 to 1."""
        return self.correct / self.total if self.total else 0.0


@dataclass(frozen=True)
class Evaluation:
    """The answers to some pairs.

    A source that stands there with several targets accepts each of them.

    Attributes:
        conversions: what became of each source.
        targets: the true answers, in the same order.
        tokenizer, source_tokenizer: how targets and sources are cut into symbols.
    """

    conversions: Sequence[Conversion]
    targets: Sequence[str]
    tokenizer: Tokenizer = Tokenizer()  # noqa: RUF009  (it cannot be changed)
    source_tokenizer: Tokenizer = Tokenizer()  # noqa: RUF009

    @cached_property
    def accepted(self) -> Mapping[str, Sequence[str]]:
        """Source -> its targets."""
        targets: dict[str, dict[str, None]] = defaultdict(dict)
        for conversion, target in zip(self.conversions, self.targets, strict=True):
            targets[self._key(conversion)][target] = None
        return {source: list(each) for source, each in targets.items()}

    def _key(self, conversion: Conversion) -> str:
        return self.source_tokenizer.normalize(conversion.source)

    def is_correct(self, conversion: Conversion) -> bool:
        """Whether an answer is one of its source's targets, symbol for symbol."""
        return conversion.prediction in self.accepted[self._key(conversion)]

    @cached_property
    def counts(self) -> Counts:
        """What can be counted of them."""
        counts = Counts()
        counts.add(
            Prediction(conversion, target, self.is_correct(conversion))
            for conversion, target in zip(self.conversions, self.targets, strict=True)
        )
        return counts

    @property
    def exact_match(self) -> float:
        """The share of right answers, from 0 to 1."""
        return self.counts.exact_match

    @property
    def word_error_rate(self) -> float:
        """The share of wrong answers, from 0 to 1."""
        return 1 - self.exact_match if self.targets else 0.0

    @cached_property
    def _nearest(self) -> Sequence[tuple[Sequence[str], Sequence[str]]]:
        """For each pair, the symbols of the nearest accepted target, and those of the answer."""
        from rapidfuzz.distance import Levenshtein

        nearest = []
        for conversion in self.conversions:
            answer = list(self.tokenizer.tokenize(conversion.prediction or ""))
            targets = [list(self.tokenizer.tokenize(target)) for target in self.accepted[self._key(conversion)]]
            nearest.append((min(targets, key=lambda target: Levenshtein.distance(target, answer)), answer))
        return nearest

    @property
    def symbol_error_rate(self) -> float:
        """Symbols to insert, delete or replace (Levenshtein 1966) over all pairs, by symbols in the targets.

        It can exceed 1. A source without an answer counts as an empty answer; of several targets, the nearest counts.
        """
        from rapidfuzz.distance import Levenshtein

        edits = sum(Levenshtein.distance(target, answer) for target, answer in self._nearest)
        return edits / max(1, sum(len(target) for target, _ in self._nearest))

    def by_length(self) -> dict[int, tuple[int, int]]:
        """Symbols in the source -> (right answers, pairs), for each length that occurs."""
        counts: dict[int, list[int]] = defaultdict(lambda: [0, 0])
        for conversion in self.conversions:
            count = counts[len(self.source_tokenizer.tokenize(conversion.source))]
            count[0] += self.is_correct(conversion)
            count[1] += 1
        return {length: (right, pairs) for length, (right, pairs) in sorted(counts.items())}

    def _confidences(self) -> tuple[list[float], list[bool]]:
        pairs = [(each.confidence or 0.0, self.is_correct(each)) for each in self.conversions]
        return [confidence for confidence, _ in pairs], [right for _, right in pairs]

    @property
    def expected_calibration_error(self) -> float:
        """See `henkan.inference.calibration`; only where confidences were asked for."""
        return expected_calibration_error(*self._confidences())

    def coverage(self) -> list[tuple[float, float, float]]:
        """See `henkan.inference.calibration`; only where confidences were asked for."""
        return coverage(*self._confidences())

    def confusions(self) -> list[tuple[str, str, int]]:
        """(symbol of the target, symbol of the answer, how often), the commonest first.

        From the alignment with the fewest edits; a symbol left out or put in is `NOTHING` on the other side.
        """
        from rapidfuzz.distance import Levenshtein

        counts: Counter[tuple[str, str]] = Counter()
        for target, answer in self._nearest:
            for edit in Levenshtein.editops(target, answer):
                true = NOTHING if edit.tag == "insert" else target[edit.src_pos]
                given = NOTHING if edit.tag == "delete" else answer[edit.dest_pos]
                counts[true, given] += 1
        return [(true, given, count) for (true, given), count in counts.most_common()]


def evaluate(converter: Converter, pairs: Pairs, request: Request = Request()) -> Evaluation:  # noqa: B008
    """Ask a converter all sources of some pairs, and keep all that comes of it."""
    vocabulary = converter.target_vocabulary
    targets = list(as_predicted(pairs.targets, vocabulary))
    conversions = converter.convert(pairs.sources, request)
    return Evaluation(conversions, targets, vocabulary.tokenizer, converter.source_vocabulary.tokenizer)


def as_predicted(targets: Sequence[str], vocabulary: Vocabulary) -> Iterator[str]:
    """Targets as the model can write them: normalised as in training, and if it is filled without spaces at the end."""
    for target in targets:
        normal = vocabulary.tokenizer.normalize(target)
        yield normal if vocabulary.width is None else normal.rstrip(FILLER)

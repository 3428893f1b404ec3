"""A loaded model: text to text."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Literal

from henkan.batch import Array, Sources
from henkan.decoding import greedy
from henkan.engine.base import Engine
from henkan.errors import SettingsError, UnanswerableError
from henkan.text.batches import source_batches
from henkan.text.vocabulary import BOUNDARY, Vocabulary

Unknown = Literal["error", "skip"]

BATCH_SIZE = 256
WORTH_KERNELS = 300_000  # source symbols; below, faster kernels take longer to load than they save
WORTH_THREADS = 4 * BATCH_SIZE  # strings; below, threads take longer to start than they save


@dataclass(frozen=True)
class Conversion:
    """What became of one source.

    Attributes:
        source: as it was given.
        prediction: the model's answer, or None if the source cannot be answered.
        log_probability: of the answer, in nats, or None likewise.
        reason: why the source cannot be answered, or None if it was.
    """

    source: str
    prediction: str | None
    log_probability: float | None
    reason: str | None = None


class Converter:
    """Converts strings with an engine and two vocabularies.

    Args:
        engine: the model's arithmetic.
        source_vocabulary, target_vocabulary: its symbols.
        reverse: whether its encoder reads the source backwards.
    """

    def __init__(
        self, engine: Engine, source_vocabulary: Vocabulary, target_vocabulary: Vocabulary, *, reverse: bool
    ) -> None:
        self.engine = engine
        self.source_vocabulary = source_vocabulary
        self.target_vocabulary = target_vocabulary
        self.reverse = reverse

    @property
    def longest(self) -> int:
        """Steps after which an answer is cut off: twice those of the longest target of the training, its end included.

        A filled model always writes its width.
        """
        width = self.target_vocabulary.width
        return 2 * (self.target_vocabulary.longest + 1) if width is None else width

    def convert(self, texts: Sequence[str]) -> list[Conversion]:
        """Answer each text, in the order given; one that cannot be answered carries the reason."""
        results: list[Conversion | None] = [None] * len(texts)
        places: list[int] = []
        ids: list[list[int]] = []
        for place, text in enumerate(texts):
            try:
                encoded = self.source_vocabulary.encode(text, place)
            except UnanswerableError as error:
                results[place] = Conversion(text, None, None, error.reason)
                continue
            places.append(place)
            ids.append(encoded)

        def decode(batch: tuple[Array, Sources]) -> tuple[Array, list[list[int]], Array]:
            rows, sources = batch
            ends = self.target_vocabulary.width is None
            return rows, *greedy(
                self.engine, sources, boundary=BOUNDARY, ends=ends, longest=self.longest, many=very_many
            )

        batches = source_batches(ids, len(self.source_vocabulary), reverse=self.reverse, size=BATCH_SIZE)
        many, very_many = len(ids) >= WORTH_THREADS, sum(map(len, ids)) >= WORTH_KERNELS
        with self.engine.at_work(many=very_many) if many else nullcontext():
            for rows, answers, scores in self.engine.map(decode, batches):
                for row, answer, score in zip(rows.tolist(), answers, scores.tolist(), strict=True):
                    place = places[row]
                    results[place] = Conversion(texts[place], self.target_vocabulary.decode(answer), score)
        return [result for result in results if result is not None]

    def predict(self, texts: Sequence[str], unknown: Unknown = "error") -> list[str]:
        """The answers alone, in the order of the texts.

        Args:
            texts: sources.
            unknown: what to do with a source that cannot be answered: "error" raises, "skip" gives "".

        Raises:
            UnanswerableError: at the first such source.
        """
        if unknown not in ("error", "skip"):
            raise SettingsError(f"unknown must be error or skip, not {unknown!r}")
        conversions = self.convert(texts)
        if unknown == "error":
            for index, conversion in enumerate(conversions):
                if conversion.reason is not None:
                    raise UnanswerableError(conversion.source, index, conversion.reason)
        return [conversion.prediction or "" for conversion in conversions]

"""Reads source texts: their ids, their unknown symbols, and in which ways they are outside the training data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from henkan.engine.base import Execution
from henkan.errors import UnanswerableError
from henkan.inference.conversion import Conversion, Request
from henkan.text.source_statistics import SourceStatistics
from henkan.text.tokenizer import tokenize
from henkan.text.training_range import TrainingRange
from henkan.text.vocabulary import UNKNOWN, Vocabulary

MIN_SYMBOLS_FOR_KERNELS = 300_000  # with fewer source symbols, compiled kernels take longer to load than they save
MANY = 64  # with fewer texts, reading them all at once takes longer than one at a time
MIN_SOURCES_FOR_THREADS = 1024  # with fewer, threads take longer to start than they save


class SourceText(NamedTuple):
    """A text and what the model reads.

    Attributes:
        text: the text.
        ids: its ids.
        unknown: names of its unknown symbols.
        outside: in which ways it is outside the training data, and how far; see `TrainingRange.outside`.
    """

    text: str
    ids: list[int]
    unknown: Sequence[str] = ()
    outside: Mapping[str, float] = {}


@dataclass
class ReadableTexts:
    """The texts that the model can read. Lists of numbers spare the garbage collector an object for each text.

    Attributes:
        indices: of each among all texts. ids: of each.
        unknown: index -> unknown symbols, named, where there are any.
        outside: index -> in which ways the text is outside the training data, where it is.
    """

    indices: list[int] = field(default_factory=list)
    ids: list[list[int]] = field(default_factory=list)
    unknown: dict[int, Sequence[str]] = field(default_factory=dict)
    outside: dict[int, Mapping[str, float]] = field(default_factory=dict)

    def add(self, index: int, ids: list[int]) -> None:
        """Add a text."""
        self.indices.append(index)
        self.ids.append(ids)

    def source(self, row: int, texts: Sequence[str]) -> SourceText:
        """Return the readable text in a row.

        Args:
            row: the row among the readable texts.
            texts: all texts.
        """
        index = self.indices[row]
        return SourceText(texts[index], self.ids[row], self.unknown.get(index, ()), self.outside.get(index, {}))

    @property
    def symbols(self) -> int:
        """Number of symbols."""
        return sum(map(len, self.ids))

    def execution(self, share: float = 1.0, before: int = 0) -> Execution:
        """Choose threads and compiled kernels where they save more time than they take to start.

        Args:
            share: share of these texts in those of all calls, from 0 to 1. Kernels are loaded only once for all calls.
            before: number of symbols in earlier calls.
        """
        return Execution(
            threads=len(self.ids) >= MIN_SOURCES_FOR_THREADS,
            compiled=before + self.symbols >= MIN_SYMBOLS_FOR_KERNELS * share,
        )


class SourceReader:
    """Reads source texts.

    Args:
        vocabulary: the source vocabulary.
        training_range: what the training sources contained; None if unknown.
    """

    def __init__(self, vocabulary: Vocabulary, training_range: TrainingRange | None) -> None:
        self.vocabulary, self.training_range = vocabulary, training_range

    def read(self, texts: Sequence[str], request: Request) -> tuple[ReadableTexts, dict[int, Conversion]]:
        """Read texts.

        Args:
            texts: the texts.
            request: how to convert them.

        Returns:
            the texts that the model can read and that the request does not exclude; and index -> conversion of each of
            the others.
        """
        sources, others = ReadableTexts(), {}
        use_unknown = request.unknown in ("use", "copy")
        ordinary = self._ordinary(texts)
        for index, text in enumerate(texts):
            ids = ordinary[index]
            if ids is not None:
                sources.add(index, ids)
                continue
            try:
                source = self.read_one(text, index, use_unknown=use_unknown)
            except UnanswerableError as error:
                unknown = self.vocabulary.unknown_symbols(text)
                others[index] = Conversion(text, None, None, error.reason, unknown=unknown)
                continue
            if self.training_range is not None and self.training_range.is_blank(self.vocabulary.tokenizer.text(text)):
                others[index] = Conversion(text, None, None, "it is empty or has only whitespace", blank=True)
                continue
            if source.outside and request.abstain_outside:
                reason = f"it is outside the training data ({', '.join(source.outside)})"
                others[index] = Conversion(
                    text, None, None, reason, abstained=True, unknown=source.unknown, outside=list(source.outside)
                )
                continue
            if source.unknown:
                sources.unknown[index] = source.unknown
            if source.outside:
                sources.outside[index] = source.outside
            sources.add(index, source.ids)
        return sources, others

    def _ordinary(self, texts: Sequence[str]) -> Sequence[list[int] | None]:
        """The ids of the texts that are within the training data; None for those that need a closer look.

        For many texts, this is several times as fast as reading one at a time.
        """
        vocabulary, known_range = self.vocabulary, self.training_range
        if len(texts) < MANY or known_range is None or vocabulary.width is not None or not vocabulary.tokenizer.plain:
            return [None] * len(texts)
        sequences, symbols = tokenize(list(texts), vocabulary.tokenizer)
        found = SourceStatistics(sequences, symbols, features=False)
        ids = np.array([vocabulary.id_of(symbol) for symbol in symbols], np.int64)[sequences.flat].tolist()
        inside = (found.lengths <= known_range.longest) & (found.digits <= known_range.digits)
        inside &= ~found.blank | known_range.blank
        rows = (ids[start:end] for start, end in pairwise(sequences.offsets.tolist()))
        return [row if near and -1 not in row else None for row, near in zip(rows, inside.tolist(), strict=True)]

    def read_one(self, text: str, index: int = 0, *, use_unknown: bool = True) -> SourceText:
        """Read a text.

        Args:
            text: the text.
            index: its position in a list of texts, for the error message.
            use_unknown: whether to read symbols outside the vocabulary as the unknown symbol, if there is one.

        Raises:
            UnanswerableError: if the model cannot read it.
        """
        vocabulary = self.vocabulary
        ids = vocabulary.encode(text, index, use_unknown=use_unknown)
        unknown = vocabulary.unknown_symbols(text) if vocabulary.unknown and UNKNOWN in ids else ()
        return SourceText(text, ids, unknown, self._outside(text, len(ids), unknown))

    def _outside(self, text: str, length: int, unknown: Sequence[str]) -> Mapping[str, float]:
        if self.training_range is None:
            return {}
        tokenizer = self.vocabulary.tokenizer
        if not tokenizer.features:
            return self.training_range.outside(text, length, unknown)
        tags = tokenizer.tags(text)
        return self.training_range.outside(tokenizer.text(text), length - len(tags), unknown, frozenset(tags))

"""Target codecs: what an architecture predicts step by step, and how targets become that and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from henkan.text.arrays import Array
from henkan.text.tokenizer import Sequences
from henkan.text.vocabulary import BOUNDARY, Vocabulary


class TargetCodec(Protocol):
    """Targets <-> the symbols that an architecture predicts.

    Attributes:
        size: number of different symbols that can be predicted (V).
        start: the decoder's input at the first step.
        fixed_length: whether every output has exactly `max_steps` symbols, and none marks its end.
        forbidden: symbols that a search must never choose.
    """

    @property
    def size(self) -> int: ...  # noqa: D102
    @property
    def start(self) -> int: ...  # noqa: D102
    @property
    def fixed_length(self) -> bool: ...  # noqa: D102
    @property
    def forbidden(self) -> Sequence[int]: ...  # noqa: D102

    def encode(self, sources: Sequences, targets: Sequences) -> Sequences:
        """The symbols to predict for each pair, the symbol that ends the output included.

        Args:
            sources, targets: ids of the two vocabularies.
        """
        ...

    def decode(self, source: Sequence[int], symbols: Sequence[int]) -> list[int]:
        """The ids of the target vocabulary that predicted symbols stand for.

        Args:
            source: ids of the source.
            symbols: predicted symbols, with or without the one that ends the output.
        """
        ...

    def is_complete(self, symbols: Array) -> Array:
        """For each of the last predicted symbols (N,), whether it ends its output: (N,) booleans."""
        ...

    def max_steps(self, source_steps: int) -> int:
        """Steps after which a search stops at the latest.

        Args:
            source_steps: symbols in the longest source of the batch.
        """
        ...

    def positions_in(self, other: TargetCodec) -> list[int]:
        """For every predicted symbol, the id of the same symbol in a codec of the same kind with more symbols."""
        ...


class PlainTargets:
    """Predicts the ids of the target vocabulary, and its boundary symbol as the end.

    If strings are filled with spaces to a fixed width (the recipe "book"), nothing marks the end.

    Args:
        vocabulary: of the targets.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.size = len(vocabulary)
        self.start = BOUNDARY
        self.fixed_length = vocabulary.width is not None
        self.forbidden: Sequence[int] = [BOUNDARY] if self.fixed_length else []

    def encode(self, sources: Sequences, targets: Sequences) -> Sequences:  # noqa: ARG002
        """The target ids and, unless strings are filled, the boundary symbol."""
        return targets if self.fixed_length else targets.ended(BOUNDARY)

    def decode(self, source: Sequence[int], symbols: Sequence[int]) -> list[int]:  # noqa: ARG002
        """The symbols without the boundary symbol, which can only be the last."""
        return list(symbols[:-1] if symbols and symbols[-1] == BOUNDARY else symbols)

    def is_complete(self, symbols: Array) -> Array:
        """Whether each of the symbols (N,) is the boundary symbol."""
        complete: Array = np.zeros(len(symbols), bool) if self.fixed_length else symbols == BOUNDARY
        return complete

    def max_steps(self, source_steps: int) -> int:  # noqa: ARG002
        """Twice the steps of the longest training target, its end included; the width where strings are filled."""
        width = self.vocabulary.width
        return 2 * (self.vocabulary.longest + 1) if width is None else width

    def positions_in(self, other: TargetCodec) -> list[int]:
        """See `TargetCodec.positions_in`."""
        assert isinstance(other, PlainTargets)
        return self.vocabulary.positions_in(other.vocabulary)

"""Target codecs: conversion between targets and the symbols that an architecture predicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from henkan.batching.copy_ids import CopyIds
from henkan.text.arrays import Array
from henkan.text.tokenizer import Sequences
from henkan.text.vocabulary import BOUNDARY, Vocabulary


class TargetCodec(Protocol):
    """Converts targets to the symbols that an architecture predicts, and back.

    Attributes:
        size: number of distinct symbols that can be predicted (V).
        start: the decoder's input at the first step.
        reverse: whether targets are predicted from the last symbol to the first.
        end: the symbol that ends an output; None for a fixed length.
        fixed_length: whether every output has exactly `max_steps` symbols and no end symbol.
        forbidden: symbols that a search must never choose.
        ambiguous: whether different outputs may be the same target; see `canonical`.
        writes: (V,) the target symbol that each symbol writes; 0 for none, `UNDER_POINTER` if it
            depends on the pointer.
        moves: (V,) how far each symbol moves the pointer; None without a pointer.
    """

    @property
    def size(self) -> int: ...  # noqa: D102
    @property
    def start(self) -> int: ...  # noqa: D102
    @property
    def reverse(self) -> bool: ...  # noqa: D102
    @property
    def end(self) -> int | None: ...  # noqa: D102
    @property
    def fixed_length(self) -> bool: ...  # noqa: D102
    @property
    def forbidden(self) -> Sequence[int]: ...  # noqa: D102
    @property
    def ambiguous(self) -> bool: ...  # noqa: D102
    @property
    def writes(self) -> Array: ...  # noqa: D102
    @property
    def moves(self) -> Array | None: ...  # noqa: D102

    def learn(self, sources: Sequences, targets: Sequences) -> None:
        """Learn from the training pairs what `encode` needs."""
        ...

    @property
    def arrays(self) -> Mapping[str, Array]:
        """What was learned: name -> float32 array, saved with the model."""
        ...

    def restore(self, arrays: Mapping[str, Array]) -> None:
        """Restore what was learned.

        Raises:
            ValueError: if the arrays do not fit this codec.
        """
        ...

    def encode(self, sources: Sequences, targets: Sequences, copy_ids: CopyIds | None = None) -> Sequences:
        """Convert targets to the symbols to predict, including the end symbol.

        Args:
            sources, targets: ids in the source and the target vocabulary.
            copy_ids: the copy ids of the sources, which targets may have too; None if there are no unknown symbols.

        Returns:
            the symbols; none at all for a target that cannot be written.
        """
        ...

    def decode(self, source: Sequence[int], symbols: Sequence[int]) -> list[int]:
        """Convert predicted symbols to ids in the target vocabulary.

        The id V + p, where V is the size of the target vocabulary, is a copy of the source symbol at position p, which
        the target vocabulary does not have.

        Args:
            source: ids of the source.
            symbols: predicted symbols, with or without the end symbol.
        """
        ...

    def canonical(
        self, sources: Sequence[Sequence[int]], outputs: Sequence[Sequence[int]], copy_ids: CopyIds | None = None
    ) -> Sequence[Sequence[int]]:
        """Return, for each source and its complete output, the output that `encode` gives for the same target."""
        ...

    def pointer(self, source: Sequence[int], symbols: Sequence[int]) -> Sequence[int] | None:
        """Return the position in the source that each step of an output edits; None if the output has no pointer.

        The position is the length of the source where the pointer has passed its last symbol.
        """
        ...

    def written(self, source: Sequence[int], symbol: int, position: int) -> int:
        """Return the id that a symbol writes, as in `decode`; 0 if it writes nothing.

        Args:
            source: ids of the source.
            symbol: the symbol.
            position: the position of the pointer; see `pointer`.
        """
        ...

    def action(self, symbol: int) -> str:
        """Return the kind of an edit action, such as "copy"; empty if symbols are not actions."""
        ...

    def is_complete(self, symbols: Array) -> Array:
        """Whether each of the symbols predicted last (N,) ends its output: (N,) booleans."""
        ...

    def max_steps(self, source_steps: int) -> int:
        """Maximum number of decoding steps.

        Args:
            source_steps: number of symbols in the longest source of the batch.
        """
        ...

    def positions_in(self, other: TargetCodec) -> list[int]:
        """Id of each symbol in another codec of the same kind, which has all symbols of this one."""
        ...


class PlainTargets:
    """Predicts the ids of the target vocabulary, with the boundary symbol as the end symbol.

    If strings are padded with spaces to a fixed width (the recipe "book"), there is no end symbol.

    Args:
        vocabulary: the target vocabulary.
        reverse: whether targets are predicted from the last symbol to the first.
    """

    def __init__(self, vocabulary: Vocabulary, *, reverse: bool = False) -> None:
        self.vocabulary, self.reverse = vocabulary, reverse
        self.size = len(vocabulary)
        self.start = BOUNDARY
        self.fixed_length = vocabulary.width is not None
        self.end = None if self.fixed_length else BOUNDARY
        self.forbidden: Sequence[int] = [BOUNDARY] if self.fixed_length else []
        self.writes = np.arange(self.size)

    def learn(self, sources: Sequences, targets: Sequences) -> None:
        """Nothing to learn."""

    ambiguous = False
    moves: Array | None = None
    arrays: Mapping[str, Array] = {}

    def restore(self, arrays: Mapping[str, Array]) -> None:
        """See `TargetCodec.restore`."""
        if arrays:
            raise ValueError("other arrays")

    def encode(self, sources: Sequences, targets: Sequences, copy_ids: CopyIds | None = None) -> Sequences:  # noqa: ARG002
        """Reverse the targets if required, and append the boundary symbol, unless strings are padded."""
        targets = targets.reversed() if self.reverse else targets
        return targets if self.fixed_length else targets.ended(BOUNDARY)

    def decode(self, source: Sequence[int], symbols: Sequence[int]) -> list[int]:  # noqa: ARG002
        """The symbols in the order of the text, without the boundary symbol, which can only be the last predicted."""
        written = list(symbols[:-1] if symbols and symbols[-1] == BOUNDARY else symbols)
        return written[::-1] if self.reverse else written

    def canonical(
        self,
        sources: Sequence[Sequence[int]],  # noqa: ARG002
        outputs: Sequence[Sequence[int]],
        copy_ids: CopyIds | None = None,  # noqa: ARG002
    ) -> Sequence[Sequence[int]]:
        """The outputs themselves: a target has only one."""
        return outputs

    def pointer(self, source: Sequence[int], symbols: Sequence[int]) -> Sequence[int] | None:  # noqa: ARG002
        """None: there is no pointer."""
        return None

    def written(self, source: Sequence[int], symbol: int, position: int) -> int:  # noqa: ARG002
        """The symbol itself; the boundary symbol, 0, writes nothing."""
        return symbol

    def action(self, symbol: int) -> str:  # noqa: ARG002
        """Empty: symbols are not actions."""
        return ""

    def is_complete(self, symbols: Array) -> Array:
        """Whether each of the symbols (N,) is the boundary symbol."""
        complete: Array = np.zeros(len(symbols), bool) if self.fixed_length else symbols == BOUNDARY
        return complete

    def max_steps(self, source_steps: int) -> int:  # noqa: ARG002
        """Twice the steps of the longest training target, including the end symbol; the width if strings are padded."""
        width = self.vocabulary.width
        return 2 * (self.vocabulary.longest + 1) if width is None else width

    def positions_in(self, other: TargetCodec) -> list[int]:
        """See `TargetCodec.positions_in`."""
        assert isinstance(other, PlainTargets)
        return self.vocabulary.positions_in(other.vocabulary)

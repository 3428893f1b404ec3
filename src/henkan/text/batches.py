"""Ids to padded arrays, their lengths and their order. Reversal happens here, for training and serving."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from henkan.batch import Array, Batch, Sources, Targets
from henkan.text.vocabulary import BOUNDARY, Vocabulary


class Sequences:
    """Many strings as ids, in one flat vector.

    Attributes:
        flat: all ids, one string after another, in the smallest fitting unsigned type.
        offsets: (n + 1,) string k is `flat[offsets[k]:offsets[k + 1]]`.
    """

    def __init__(self, ids: Iterable[Sequence[int]], symbols: int) -> None:
        strings = list(ids)
        self.offsets: Array = np.zeros(len(strings) + 1, np.int64)
        np.cumsum([len(string) for string in strings], out=self.offsets[1:])
        dtype = np.min_scalar_type(max(symbols - 1, 0))
        self.flat: Array = np.fromiter((id for string in strings for id in string), dtype, count=int(self.offsets[-1]))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def lengths(self, rows: Array | slice = slice(None)) -> Array:
        """Symbols in the strings of some rows, or of all."""
        return self.offsets[1:][rows] - self.offsets[:-1][rows]

    def padded(self, rows: Array, *, reverse: bool = False) -> tuple[Array, Array]:
        """The strings of some rows as columns: ids (T, N), with zeros after each end, and valid (T, N)."""
        starts, lengths = self.offsets[rows], self.lengths(rows)
        steps = np.arange(lengths.max(initial=0))[:, None]
        valid = steps < lengths
        places = starts + (lengths - 1 - steps if reverse else steps)
        ids = np.zeros(valid.shape, np.intp)
        ids[valid] = self.flat[places[valid]]
        return ids, valid


class EncodedPairs:
    """Training pairs as ids.

    Args:
        sources, targets: strings of known symbols, as many of the one as of the other.
        source_vocabulary, target_vocabulary: their vocabularies.
        reverse: whether the encoder reads the source backwards.
    """

    def __init__(
        self,
        sources: Sequence[str],
        targets: Sequence[str],
        source_vocabulary: Vocabulary,
        target_vocabulary: Vocabulary,
        *,
        reverse: bool,
    ) -> None:
        end = [] if target_vocabulary.width is not None else [BOUNDARY]
        self.reverse = reverse
        self.sources = Sequences(map(source_vocabulary.encode, sources), len(source_vocabulary))
        self.targets = Sequences((target_vocabulary.encode(target) + end for target in targets), len(target_vocabulary))

    def __len__(self) -> int:
        return len(self.sources)

    def batch(self, rows: Array) -> Batch:
        """The pairs of some rows, put in order of falling length (of sources, then of targets)."""
        rows = rows[np.lexsort((-self.targets.lengths(rows), -self.sources.lengths(rows)))]
        ids, valid = self.targets.padded(rows)
        inputs = np.full_like(ids, BOUNDARY)
        inputs[1:] = ids[:-1]
        # A target may outlast one that stands before it; the decoder runs all rows down to the last valid one.
        places = np.arange(1, len(rows) + 1)
        active = (valid * places).max(axis=1, initial=0)
        return Batch(_sources(self.sources, rows, reverse=self.reverse), Targets(inputs, ids, valid, active))

    def batches(self, size: int, generator: np.random.Generator) -> Iterator[Batch]:
        """All pairs once, in an order drawn from the generator, `size` at a time."""
        order = generator.permutation(len(self))
        for start in range(0, len(order), size):
            yield self.batch(order[start : start + size])


def source_batches(
    ids: Sequence[Sequence[int]], symbols: int, *, reverse: bool, size: int
) -> Iterator[tuple[Array, Sources]]:
    """Sources alone, for prediction: the longest first, `size` at a time, with the places they came from."""
    sequences = Sequences(ids, symbols)
    order = np.argsort(-sequences.lengths(), kind="stable")
    for start in range(0, len(order), size):
        rows = order[start : start + size]
        yield rows, _sources(sequences, rows, reverse=reverse)


def _sources(sequences: Sequences, rows: Array, *, reverse: bool) -> Sources:
    ids, valid = sequences.padded(rows, reverse=reverse)
    return Sources(ids, valid.sum(axis=1))

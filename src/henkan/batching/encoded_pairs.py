"""Ids to padded arrays, their lengths and their order. Reversal happens here, for training and serving."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from henkan.batching.batch import Batch, Sources, Targets
from henkan.text.arrays import Array
from henkan.text.sequences import Sequences
from henkan.text.vocabulary import BOUNDARY, UNKNOWN, Vocabulary

POOL = 8


class EncodedPairs:
    """Training pairs as ids.

    Args:
        sources, targets: ids, without boundaries, as many of the one as of the other: `Sequences`, or lists.
        source_vocabulary, target_vocabulary: their vocabularies.
        reverse: whether the encoder reads the source backwards.
        unknown_rate: how often an epoch a symbol, on average, is replaced by the unknown one. A symbol that occurs n
            times is replaced there with probability rate / (rate + n) (after Kiperwasser & Goldberg 2016): rare ones,
            which are most like what will be unknown one day, most of all.
    """

    def __init__(
        self,
        sources: Sequences | Iterable[Sequence[int]],
        targets: Sequences | Iterable[Sequence[int]],
        source_vocabulary: Vocabulary,
        target_vocabulary: Vocabulary,
        *,
        reverse: bool,
        unknown_rate: float = 0.0,
    ) -> None:
        self.reverse = reverse
        self.sources = _sequences(sources, source_vocabulary)
        self.targets = _sequences(targets, target_vocabulary)
        if target_vocabulary.width is None:
            self.targets = self.targets.ended(BOUNDARY)
        self._replaced: Array | None = None  # with which probability each symbol is
        if unknown_rate and source_vocabulary.unknown:
            counts = np.bincount(self.sources.flat, minlength=len(source_vocabulary))
            self._replaced = (unknown_rate / (unknown_rate + counts)).astype(np.float32)

    def __len__(self) -> int:
        return len(self.sources)

    def digest(self) -> str:
        """A SHA-256 sum by which the same ids are known again."""
        digest = hashlib.sha256()
        for side in (self.sources, self.targets):
            for array in (side.offsets, side.flat):
                digest.update(str(array.shape).encode())
                digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    def batch(self, rows: Array, generator: np.random.Generator | None = None) -> Batch:
        """The pairs of some rows, put in order of falling length (of sources, then of targets).

        Args:
            rows: which.
            generator: draws which symbols become unknown; None leaves all as they are.
        """
        rows = rows[np.lexsort((-self.targets.lengths(rows), -self.sources.lengths(rows)))]
        ids, valid = self.targets.padded(rows)
        inputs = np.full_like(ids, BOUNDARY)
        inputs[1:] = ids[:-1]
        # A target may outlast one that stands before it; the decoder runs all rows down to the last valid one.
        places = np.arange(1, len(rows) + 1)
        active = (valid * places).max(axis=1, initial=0)
        sources = _sources(self.sources, rows, reverse=self.reverse)
        if self._replaced is not None and generator is not None:
            sources.ids[generator.random(sources.ids.shape, np.float32) < self._replaced[sources.ids]] = UNKNOWN
        return Batch(sources, Targets(inputs, ids, valid, active))

    def order(self, size: int, generator: np.random.Generator, *, by_length: bool = False) -> list[Array]:
        """The rows of batches that hold all pairs once, `size` at a time, in an order drawn from the generator.

        With `by_length`, pairs of like lengths come together: they are drawn into pools of `POOL` batches, and each
        pool is put in order of length before it is cut.
        """
        order = generator.permutation(len(self))
        if not by_length:
            return [order[start : start + size] for start in range(0, len(order), size)]
        batches = []
        for start in range(0, len(order), POOL * size):
            pool = order[start : start + POOL * size]
            pool = pool[np.lexsort((self.targets.lengths(pool), self.sources.lengths(pool)))]
            batches += [pool[first : first + size] for first in range(0, len(pool), size)]
        return [batches[place] for place in generator.permutation(len(batches))]

    def batches(self, size: int, generator: np.random.Generator, *, by_length: bool = False) -> Iterator[Batch]:
        """The batches of `order`, as training would see them."""
        for rows in self.order(size, generator, by_length=by_length):
            yield self.batch(rows, generator)

    def ordered_batches(self, size: int) -> Iterator[Batch]:
        """All pairs once, in their order, as they are."""
        for start in range(0, len(self), size):
            yield self.batch(np.arange(start, min(start + size, len(self))))


def _sequences(ids: Sequences | Iterable[Sequence[int]], vocabulary: Vocabulary) -> Sequences:
    return ids if isinstance(ids, Sequences) else Sequences.of(ids, len(vocabulary))


def source_batches(
    ids: Sequence[Sequence[int]], symbols: int, *, reverse: bool, size: int
) -> Iterator[tuple[Array, Sources]]:
    """Sources alone, for prediction: the longest first, `size` at a time, with the places they came from."""
    sequences = Sequences.of(ids, symbols)
    order = np.argsort(-sequences.lengths(), kind="stable")
    for start in range(0, len(order), size):
        rows = order[start : start + size]
        yield rows, _sources(sequences, rows, reverse=reverse)


def _sources(sequences: Sequences, rows: Array, *, reverse: bool) -> Sources:
    ids, valid = sequences.padded(rows, reverse=reverse)
    return Sources(ids, valid.sum(axis=1))

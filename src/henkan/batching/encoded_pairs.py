"""Training pairs as batches of padded arrays."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from henkan.batching.batch import Batch, Sources, Targets, padded_sources
from henkan.batching.copy_ids import CopyIds, hide_symbols
from henkan.batching.parts import divide
from henkan.text.arrays import Array
from henkan.text.tokenizer import Sequences
from henkan.text.vocabulary import UNKNOWN

POOL_BATCHES = 8
"""Number of batches in a pool that is sorted by length; see `EncodedPairs.order`."""


class EncodedPairs:
    """Training pairs as symbol ids.

    Args:
        sources: ids of the source symbols.
        targets: ids of the symbols to predict for each source, including the end symbol; see `henkan.model.codec`.
        start: the decoder's input at the first step.
        reverse: whether the encoder reads sources backwards.
        unknown_probabilities: (V,) probability of replacing each source symbol by the unknown symbol; see
            `unknown_probabilities`. None: never.
        copy_ids: copy ids of the sources, for models that need them.
    """

    def __init__(
        self,
        sources: Sequences,
        targets: Sequences,
        *,
        start: int,
        reverse: bool,
        unknown_probabilities: Array | None = None,
        copy_ids: CopyIds | None = None,
    ) -> None:
        self.sources, self.targets, self.copy_ids = sources, targets, copy_ids
        self.start, self.reverse = start, reverse
        self._unknown = unknown_probabilities

    @classmethod
    def of(
        cls,
        sources: Iterable[Sequence[int]],
        targets: Iterable[Sequence[int]],
        sizes: tuple[int, int],
        *,
        start: int,
        reverse: bool,
        copy_ids: CopyIds | None = None,
    ) -> EncodedPairs:
        """Create pairs from lists of ids.

        Args:
            sources, targets, start, reverse, copy_ids: as for the class.
            sizes: number of source symbols, and number of symbols that can be predicted.
        """
        both = (Sequences.of(ids, size) for ids, size in zip((sources, targets), sizes, strict=True))
        return cls(*both, start=start, reverse=reverse, copy_ids=copy_ids)

    def __len__(self) -> int:
        return len(self.sources)

    def digest(self) -> str:
        """Return a SHA-256 fingerprint of the ids."""
        digest = hashlib.sha256()
        for side in (self.sources, self.targets):
            for array in (side.offsets, side.flat):
                digest.update(str(array.shape).encode())
                digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    def batch(self, rows: Array, generator: np.random.Generator | None = None) -> Batch:
        """Return a batch of some rows, sorted by decreasing length of the sources, then of the targets.

        Args:
            rows: (N,) indices of the pairs.
            generator: draws which source symbols to replace by the unknown symbol; None: replace none.
        """
        rows = rows[np.lexsort((-self.targets.lengths(rows), -self.sources.lengths(rows)))]
        ids, valid = self.targets.padded(rows)
        sources = padded_sources(self.sources, rows, reverse=self.reverse, copy_ids=self.copy_ids)
        if self._unknown is not None and generator is not None:
            self._replace_symbols(sources, ids, generator.random(sources.ids.shape, np.float32))
        inputs = np.full_like(ids, self.start)
        inputs[1:] = ids[:-1]
        # Columns are sorted by source length, so a target can be longer than the one before it. The decoder runs all
        # columns up to the last valid one.
        numbers = np.arange(1, len(rows) + 1)
        active = (valid * numbers).max(axis=1, initial=0)
        return Batch(sources, Targets(inputs, ids, valid, active))

    def _replace_symbols(self, sources: Sources, targets: Array, draws: Array) -> None:
        """Replace source symbols by the unknown symbol in place, depending on uniform random numbers (S, N)."""
        assert self._unknown is not None
        unknown = draws < self._unknown[sources.ids]
        if self.copy_ids is not None and sources.copy_ids is not None:
            unknown = hide_symbols(unknown, sources.copy_ids, targets, self.copy_ids.symbols)
        sources.ids[unknown] = UNKNOWN

    def parts(self, rows: Array, generator: np.random.Generator | None = None) -> list[Batch]:
        """Return a batch of some rows in parts of limited size, longest pairs first: one part for ordinary batches.

        Args:
            rows, generator: as in `batch`.
        """
        lengths = self.sources.lengths(rows) + self.targets.lengths(rows)
        return [self.batch(rows[part], generator) for part in divide(lengths, sides=2)]

    def order(self, size: int, generator: np.random.Generator, *, by_length: bool = False) -> list[Array]:
        """Draw the rows of the batches of one epoch, which contain each pair once.

        Args:
            size: batch size.
            generator: draws the order.
            by_length: whether to batch pairs of similar length together: the shuffled pairs are split into pools of
                `POOL_BATCHES` batches, each pool is sorted by length and split into batches, and the batches are
                shuffled.

        Returns:
            the indices (N,) of the pairs of each batch.
        """
        order = generator.permutation(len(self))
        if not by_length:
            return [order[start : start + size] for start in range(0, len(order), size)]
        batches = []
        for start in range(0, len(order), POOL_BATCHES * size):
            pool = order[start : start + POOL_BATCHES * size]
            pool = pool[np.lexsort((self.targets.lengths(pool), self.sources.lengths(pool)))]
            batches += [pool[first : first + size] for first in range(0, len(pool), size)]
        return [batches[index] for index in generator.permutation(len(batches))]

    def batches(self, size: int, generator: np.random.Generator, *, by_length: bool = False) -> Iterator[Batch]:
        """Yield the batches of one epoch, as in training. See `order` for the arguments."""
        for rows in self.order(size, generator, by_length=by_length):
            yield self.batch(rows, generator)


def unknown_probabilities(sources: Sequences, symbols: int, rate: float) -> Array:
    """Compute the probability of replacing each source symbol by the unknown symbol in training.

    A symbol that occurs n times is replaced with probability rate / (rate + n) (after Kiperwasser & Goldberg 2016): at
    most `rate` times per epoch on average. Rare symbols are replaced with the highest probability.

    Args:
        sources: ids of the training sources.
        symbols: V, number of source symbols.
        rate: see `TrainingConfig.unknown_rate`.

    Returns:
        (V,) float32.
    """
    counts = np.bincount(sources.flat, minlength=symbols)
    return (rate / (rate + counts)).astype(np.float32)

"""Training pairs as batches of padded arrays."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from henkan.batching.batch import Batch, Targets, padded_sources
from henkan.text.arrays import Array
from henkan.text.tokenizer import Sequences
from henkan.text.vocabulary import UNKNOWN

POOL = 8


class EncodedPairs:
    """Training pairs as ids.

    Args:
        sources: ids of the source symbols.
        targets: the symbols to predict for each source, the one that completes the output included; see
            `henkan.model.codec`.
        start: the decoder's input at the first step.
        reverse: whether the encoder reads the source backwards.
        unknown_probabilities: (V,) with which probability each source symbol is replaced by the unknown symbol; see
            `unknown_probabilities`. None: never.
    """

    def __init__(
        self,
        sources: Sequences,
        targets: Sequences,
        *,
        start: int,
        reverse: bool,
        unknown_probabilities: Array | None = None,
    ) -> None:
        self.sources, self.targets = sources, targets
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
    ) -> EncodedPairs:
        """Pairs from lists of ids.

        Args:
            sources, targets, start, reverse: as for the class.
            sizes: number of source symbols, and of symbols that can be predicted.
        """
        both = (Sequences.of(ids, size) for ids, size in zip((sources, targets), sizes, strict=True))
        return cls(*both, start=start, reverse=reverse)

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
        inputs = np.full_like(ids, self.start)
        inputs[1:] = ids[:-1]
        # A target may outlast one that stands before it; the decoder runs all rows down to the last valid one.
        places = np.arange(1, len(rows) + 1)
        active = (valid * places).max(axis=1, initial=0)
        sources = padded_sources(self.sources, rows, reverse=self.reverse)
        if self._unknown is not None and generator is not None:
            sources.ids[generator.random(sources.ids.shape, np.float32) < self._unknown[sources.ids]] = UNKNOWN
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


def unknown_probabilities(sources: Sequences, symbols: int, rate: float) -> Array:
    """With which probability each source symbol is replaced by the unknown symbol.

    A symbol that occurs n times is replaced with probability rate / (rate + n) (after Kiperwasser & Goldberg 2016): on
    average `rate` times per epoch, and rare symbols, which are most like unknown ones, most often.

    Args:
        sources: ids of the training sources.
        symbols: V, number of source symbols.
        rate: see `TrainingConfig.unknown_rate`.

    Returns:
        (V,) float32.
    """
    counts = np.bincount(sources.flat, minlength=symbols)
    return (rate / (rate + counts)).astype(np.float32)

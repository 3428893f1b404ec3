"""Batches: integer arrays of symbol ids, the inputs of architectures.

The sequences of a batch are columns, sorted by decreasing length, so that at each step the sequences that have not
ended come first. Padding has ordinary ids; `active` and `valid` mark it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from henkan.batching.copy_ids import CopyIds
from henkan.batching.parts import divide
from henkan.text.arrays import Array
from henkan.text.tokenizer import Sequences

MANY = 64  # sources in a batch from which on it repays to sort them


@dataclass(frozen=True)
class Sources:
    """Sources as the encoder reads them: reversed, if the model reverses its sources.

    Attributes:
        ids: (S, N) symbol ids, padded.
        active: (S,) number of sequences that have not ended at each step; never increases.
        copy_ids: (S, N) copy ids (see `henkan.batching.copy_ids`), for models that need them; otherwise None.
    """

    ids: Array
    active: Array
    copy_ids: Array | None = None

    @property
    def valid(self) -> Array:
        """(S, N) booleans, false at padding."""
        return np.arange(self.ids.shape[1]) < self.active[:, None]

    def halves(self) -> tuple[Sources, Sources]:
        """Return the longer and the shorter half of two or more sources."""
        count = -(-self.ids.shape[1] // 2)
        active = (self.active - count).clip(min=0)
        steps = int(np.count_nonzero(active))
        longer = self.of_columns(slice(count), self.active.clip(max=count))
        return longer, self.of_columns(slice(count, None), active[:steps])

    def of_columns(self, columns: slice, active: Array) -> Sources:
        """Return some of the sources, and of the steps those for which `active` is given."""
        ids, copy_ids = (
            None if array is None else np.ascontiguousarray(array[: len(active), columns])
            for array in (self.ids, self.copy_ids)
        )
        assert ids is not None
        return Sources(ids, active, copy_ids)


@dataclass(frozen=True)
class Targets:
    """Targets for teacher forcing: at step t the decoder receives `inputs[t]` and predicts `ids[t]`.

    Attributes:
        inputs: (T, N) ids of the boundary symbol, then of the target without its last symbol.
        ids: (T, N) ids of the symbols to predict.
        valid: (T, N) booleans, false at padding.
        active: (T,) number of sequences that the decoder must run at each step to include all valid ones.
    """

    inputs: Array
    ids: Array
    valid: Array
    active: Array


@dataclass(frozen=True)
class Batch:
    """N pairs: sources and targets in the same order."""

    sources: Sources
    targets: Targets

    @property
    def size(self) -> int:
        """Number of pairs (N)."""
        return int(self.sources.ids.shape[1])

    def shard(self, first: int, count: int) -> Batch:
        """Return shard `first` (from 0) of `count`: every `count`-th column, starting with column `first`."""
        if count == 1:
            return self

        def columns(array: Array) -> Array:
            return np.ascontiguousarray(array[:, first::count])

        def number_active(active: Array) -> Array:
            running: Array = np.maximum(active - first + count - 1, 0) // count  # of the columns 0 .. active - 1
            return running

        sources, targets = self.sources, self.targets
        return Batch(
            sources.of_columns(slice(first, None, count), number_active(sources.active)),
            Targets(
                columns(targets.inputs), columns(targets.ids), columns(targets.valid), number_active(targets.active)
            ),
        )


def source_batches(
    ids: Sequence[Sequence[int]],
    symbols: int,
    *,
    reverse: bool,
    size: int,
    copies: int = 1,
    copy_ids: CopyIds | None = None,
) -> Iterator[tuple[Array, Sources]]:
    """Yield batches of sources for prediction, longest sources first. Their sizes are limited; see `divide`.

    Args:
        ids: symbol ids of each source.
        symbols: size of the source vocabulary.
        reverse: whether the encoder reads sources backwards.
        size: maximum number of sources in a batch.
        copies: copies of each source in memory; see `divide`.
        copy_ids: copy ids of the sources, for models that need them.

    Yields:
        the indices (N,) of the sources in the batch, and the batch.
    """
    if len(ids) == 1:  # without the cost of sorting and padding, which is a tenth of that of a short prediction
        read = np.array(ids[0], np.intp)[:: -1 if reverse else 1, None]
        copied = None if copy_ids is None else copy_ids.padded(np.zeros(1, int), reverse=reverse)
        yield np.zeros(1, np.intp), Sources(np.ascontiguousarray(read), np.ones(len(read), np.intp), copied)
        return
    sequences = Sequences.of(ids, symbols)
    order = _similar_together(sequences, symbols, reverse=reverse)
    for start in range(0, len(order), size):
        batch = order[start : start + size]
        for part in divide(sequences.lengths(batch), copies=copies):
            yield batch[part], padded_sources(sequences, batch[part], reverse=reverse, copy_ids=copy_ids)


def _similar_together(sequences: Sequences, symbols: int, *, reverse: bool) -> Array:
    """Rows by decreasing length; of many, those of equal length alphabetically, as far as a 64-bit number can tell.

    So sources that begin alike are neighbours, and an encoder can compute their common steps once.
    """
    lengths, numbers = sequences.lengths(), np.zeros(len(sequences), np.int64)
    if len(sequences) < MANY:
        return np.argsort(-lengths, kind="stable")
    for step in range(min(int(62 / np.log2(symbols + 1)), int(lengths.max()))):
        inside = step < lengths
        read = sequences.offsets[1:] - 1 - step if reverse else sequences.offsets[:-1] + step
        numbers *= symbols + 1
        numbers[inside] += 1 + sequences.flat[read[inside]].astype(np.int64)
    return np.lexsort((numbers, -lengths))


def padded_sources(sequences: Sequences, rows: Array, *, reverse: bool, copy_ids: CopyIds | None = None) -> Sources:
    """Pad the sources of some rows, which must be sorted by decreasing length. Reverses them if `reverse` is true."""
    ids, valid = sequences.padded(rows, reverse=reverse)
    return Sources(ids, valid.sum(axis=1), None if copy_ids is None else copy_ids.padded(rows, reverse=reverse))

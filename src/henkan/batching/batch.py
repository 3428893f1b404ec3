"""Batches: the integer arrays that architectures compute with.

The sequences of a batch are columns in order of falling length, so that at each step those still running come first.
Padding is an id like any other; `active` and `valid` say where it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from henkan.text.arrays import Array
from henkan.text.tokenizer import Sequences


@dataclass(frozen=True)
class Sources:
    """Source strings as the encoder reads them (already reversed, if the model reverses).

    Attributes:
        ids: (S, N) symbols, padded.
        active: (S,) how many sequences are still running at each step; it never rises.
    """

    ids: Array
    active: Array

    @property
    def valid(self) -> Array:
        """(S, N) booleans, false at padding."""
        return np.arange(self.ids.shape[1]) < self.active[:, None]


@dataclass(frozen=True)
class Targets:
    """Target strings for teacher forcing: at step t the decoder is given `inputs[t]` and asked for `ids[t]`.

    Attributes:
        inputs: (T, N) the boundary symbol, then the target without its last symbol.
        ids: (T, N) the symbols to be predicted.
        valid: (T, N) booleans, false at padding.
        active: (T,) how many sequences the decoder must run at each step, so that every valid one runs.
    """

    inputs: Array
    ids: Array
    valid: Array
    active: Array


@dataclass(frozen=True)
class Batch:
    """Sources and targets of the same pairs, in the same order."""

    sources: Sources
    targets: Targets

    @property
    def size(self) -> int:
        """N, the number of pairs."""
        return int(self.sources.ids.shape[1])

    def shard(self, first: int, count: int) -> Batch:
        """One of `count` smaller batches to which this one is dealt out like cards: that of card `first`."""
        if count == 1:
            return self

        def columns(array: Array) -> Array:
            return np.ascontiguousarray(array[:, first::count])

        def running(active: Array) -> Array:
            return (active - first + count - 1).clip(min=0) // count  # how many of 0 .. active - 1 it was dealt

        sources, targets = self.sources, self.targets
        return Batch(
            Sources(columns(sources.ids), running(sources.active)),
            Targets(columns(targets.inputs), columns(targets.ids), columns(targets.valid), running(targets.active)),
        )


def source_batches(
    ids: Sequence[Sequence[int]], symbols: int, *, reverse: bool, size: int
) -> Iterator[tuple[Array, Sources]]:
    """Batches of sources for prediction, the longest first.

    Args:
        ids: of each source. symbols: number of source symbols.
        reverse: whether the encoder reads sources backwards.
        size: sources in a batch.

    Yields:
        which sources the batch has (N,), and the batch.
    """
    sequences = Sequences.of(ids, symbols)
    order = np.argsort(-sequences.lengths(), kind="stable")
    for start in range(0, len(order), size):
        rows = order[start : start + size]
        yield rows, padded_sources(sequences, rows, reverse=reverse)


def padded_sources(sequences: Sequences, rows: Array, *, reverse: bool) -> Sources:
    """The sources of some rows, which must be in order of falling length, as columns; reversal happens here."""
    ids, valid = sequences.padded(rows, reverse=reverse)
    return Sources(ids, valid.sum(axis=1))

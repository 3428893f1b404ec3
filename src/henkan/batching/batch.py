"""What passes between text and arithmetic: integer arrays, and nothing else.

Sequences of a batch stand in columns, in order of falling length, so that at each step those still running
are the first ones. Padding is an id like any other; `active` and `valid` say where it stands.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from henkan.text.arrays import Array


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

"""Rules for what outputs may write, which hold at every step of a search."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from henkan.nn.kernels.structures import UNDER_POINTER, Rules
from henkan.text.arrays import Array
from henkan.text.automaton import Automaton


@dataclass(frozen=True)
class OutputRules:
    """What the outputs for N sources may write.

    Attributes:
        automaton: accepts what may be written. Symbols of V or more can only be copied.
        uncopied: the same without such symbols; from each of its states, any source can reach the end.
        writes, moves: see `henkan.model.codec.TargetCodec`.
        end: the symbol that ends an output, or None.
        copied: (N, S) the symbol at each position of the source, for models that copy: after each number of moves of a
            pointer, or for the predicted symbols from V on. 0: nothing is written; -1: what is written is not allowed.
        moves_in_all: (N,) moves of the pointer to the end of the source; zeros without a pointer.
    """

    automaton: Automaton
    uncopied: Automaton
    writes: Array
    moves: Array | None
    end: int | None
    copied: Array
    moves_in_all: Array

    @property
    def arrays(self) -> Rules:
        """The rules for compiled search, of architectures that copy only under a pointer."""
        its = self.automaton
        copied = np.ascontiguousarray(self.copied, np.int64)
        return Rules(its.first, its.symbols, its.following, its.remaining, self.writes.astype(np.int64), copied)

    def without_copies(self, rows: Array) -> OutputRules:
        """The rules for some of the sources, without the symbols that can only be copied."""
        symbols = self.copied[rows]
        known = np.where(symbols > self.uncopied.symbols.max(initial=0), -1, symbols)
        return replace(self, automaton=self.uncopied, copied=known, moves_in_all=self.moves_in_all[rows])

    def start(self) -> Progress:
        """Where the outputs are before the first step."""
        N = len(self.copied)
        return Progress(np.arange(N), np.zeros(N, int), np.zeros(N, int))

    def following(self, progress: Progress, left: int) -> Array:
        """The state of the automaton after each symbol that can be predicted.

        Args:
            progress: where n outputs are.
            left: number of steps that remain, with this one. A symbol after which they would not do is not allowed.

        Returns:
            (n, A) or, for models that copy without a pointer, (n, A + S); -1 where a symbol is not allowed.
        """
        n, A, copied = len(progress.states), len(self.writes), self.copied[progress.sources]
        written = np.broadcast_to(self.writes, (n, A)).copy()
        needed = np.full(written.shape, 1 + (self.end is not None))
        if self.moves is not None:
            inside = progress.moved < copied.shape[1]
            here = np.where(inside, np.take_along_axis(copied, (progress.moved * inside)[:, None], axis=1)[:, 0], -1)
            written = np.where(written == UNDER_POINTER, here[:, None], written)
            rest = self.moves_in_all[progress.sources] - progress.moved
            needed = needed + np.maximum(0, rest[:, None] - self.moves)
        else:
            written = np.concatenate([written, copied], axis=1)
            needed = np.broadcast_to(needed[:, :1], written.shape)
        after = self.automaton.after(
            progress.states, 1 + max(int(written.max()), int(self.automaton.symbols.max(initial=0)))
        )
        states = np.where(written > 0, np.take_along_axis(after, written * (written > 0), axis=1), -1)
        states = np.where(written == 0, progress.states[:, None], states)
        states = np.where(self.automaton.remaining[states] + needed <= left, states, -1)
        if self.end is not None:
            states[:, self.end] = np.where(self.automaton.remaining[progress.states] == 0, progress.states, -1)
        return states


@dataclass(frozen=True)
class Progress:
    """Where n outputs are.

    Attributes:
        sources: (n,) the source of each. states: (n,) of the automaton. moved: (n,) moves of the pointer.
    """

    sources: Array
    states: Array
    moved: Array

    def take(self, rows: Array) -> Progress:
        """Select outputs."""
        return Progress(self.sources[rows], self.states[rows], self.moved[rows])

    def after(self, states: Array, symbols: Array, moves: Array | None) -> Progress:
        """Where they are after a step.

        Args:
            states: (n,) states of the automaton.
            symbols: (n,) the chosen symbols.
            moves: see `OutputRules`.
        """
        moved = self.moved if moves is None else self.moved + moves[symbols]
        return Progress(self.sources, states, moved)

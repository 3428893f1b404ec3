"""All sequences of edits that turn sources into targets: their expected counts, and the most probable one.

Cell (i, j) of the lattice of a pair means that i source symbols are read and j target symbols written. Cells are
computed by diagonals d = i + j: a diagonal needs only the two before it, so one step computes a diagonal of all pairs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from henkan.text.arrays import Array
from henkan.text.tokenizer import Sequences

INSERT, DELETE, MATCH = range(3)
"""Kinds of edits. A match is a copy or a substitution."""

TOLERANCE = 1e-9  # nats: the same numbers, added in another order, are equal


class Edits(NamedTuple):
    """One number for each edit of classes of symbols: a log-probability or a count.

    Attributes:
        copy: (Cs,) of a match with the same symbol.
        substitute: (Cs, Ct) of a match with another symbol.
        delete: (Cs,). insert: (Ct,).
    """

    copy: Array
    substitute: Array
    delete: Array
    insert: Array


class Side(NamedTuple):
    """One side of N pairs.

    Attributes:
        strings: the ids.
        classes: (V,) class of each id.
    """

    strings: Sequences
    classes: Array


class Steps(NamedTuple):
    """The edits of one kind that end on the same diagonal.

    Attributes:
        kind: INSERT, DELETE or MATCH.
        i, j: (K,) source and target symbols that are read before each edit.
        logs: (K, N) log-probabilities; minus infinity where a pair has no such symbol.
    """

    kind: int
    i: Array
    j: Array
    logs: Array

    @property
    def reads(self) -> int:
        """Number of source symbols that each edit reads."""
        return int(self.kind != INSERT)

    @property
    def diagonals(self) -> int:
        """Number of diagonals between the cells before and after an edit."""
        return 2 if self.kind == MATCH else 1


class EditLattice:
    """The lattices of N pairs.

    Args:
        logs: log-probabilities of the edits.
        source, target: the sides of the pairs.
        rows: (N,) rows of the pairs.
        copies: for each symbol of the sources the id of the same target symbol, negative if there is none.
    """

    def __init__(self, logs: Edits, source: Side, target: Side, rows: Array, copies: Sequences) -> None:
        self.logs, self.rows = logs, rows
        self.copies, _ = copies.padded(rows)  # (S, N)
        self.x, self.valid_x = source.strings.padded(rows)  # (S, N)
        self.y, self.valid_y = target.strings.padded(rows)  # (T, N)
        self.x_classes, self.y_classes = source.classes[self.x], target.classes[self.y]
        self.S, self.T = self.valid_x.sum(axis=0), self.valid_y.sum(axis=0)
        self.delete = np.where(self.valid_x, logs.delete[self.x_classes], -np.inf)
        self.insert = np.where(self.valid_y, logs.insert[self.y_classes], -np.inf)

    @property
    def _diagonals(self) -> int:
        return len(self.x) + len(self.y) + 1

    def _blank(self, diagonals: int) -> Array:
        """(diagonals, S + 1, N) of minus infinity; cell (i, j) is at index i of its diagonal."""
        return np.full((diagonals, len(self.x) + 1, len(self.S)), -np.inf)

    def _copies(self, i: Array, j: Array) -> Array:
        """(K, N) whether source symbol i and target symbol j are the same."""
        copies: Array = self.copies[i] == self.y[j]
        return copies

    def _ending_on(self, d: int) -> Iterator[Steps]:
        """Yield the edits that end on diagonal d, kind by kind."""
        S, T = len(self.x), len(self.y)
        i = np.arange(max(0, d - T), min(S, d - 1) + 1)
        yield Steps(INSERT, i, d - 1 - i, self.insert[d - 1 - i])
        i = np.arange(max(0, d - 1 - T), min(S, d))
        yield Steps(DELETE, i, d - 1 - i, self.delete[i])
        i = np.arange(max(0, d - 1 - T), min(S, d - 1))
        j = d - 2 - i
        source, target = self.x_classes[i], self.y_classes[j]
        logs = np.where(self._copies(i, j), self.logs.copy[source], self.logs.substitute[source, target])
        yield Steps(MATCH, i, j, np.where(self.valid_x[i] & self.valid_y[j], logs, -np.inf))

    def _forward(self) -> tuple[Array, Array]:
        """(D, S + 1, N) log-probabilities of all ways to each cell, and (N,) of all ways to the end."""
        cells = self._blank(self._diagonals)
        cells[0, 0] = 0
        for d in range(1, len(cells)):
            for steps in self._ending_on(d):
                after = steps.i + steps.reads
                cells[d, after] = np.logaddexp(cells[d, after], cells[d - steps.diagonals, steps.i] + steps.logs)
        return cells, cells[self.S + self.T, self.S, np.arange(len(self.S))]

    def log_probabilities(self) -> Array:
        """(N,) log-probabilities of the pairs, in nats."""
        return self._forward()[1]

    def add_counts(self, counts: Edits) -> None:
        """Add the expected number of uses of each edit, given the pairs (forward-backward algorithm)."""
        cells, totals = self._forward()
        length, columns = self.S + self.T, np.arange(len(self.S))
        rest = self._blank(3)  # of all ways from each cell to the end, for diagonals d, d - 1 and d - 2
        for d in range(len(cells) - 1, 0, -1):
            ending = columns[length == d]
            rest[d % 3, self.S[ending], ending] = 0
            for steps in self._ending_on(d):
                before = (d - steps.diagonals) % 3, steps.i
                logs = steps.logs + rest[d % 3, steps.i + steps.reads]
                rest[before] = np.logaddexp(rest[before], logs)
                uses = np.exp(cells[d - steps.diagonals, steps.i] - totals + logs)
                self._add_uses(steps, uses, counts)
            rest[d % 3] = -np.inf

    def _add_uses(self, steps: Steps, uses: Array, counts: Edits) -> None:
        """Add the expected numbers of uses (K, N) of some edits to the counts."""
        if steps.kind == INSERT:
            _add(counts.insert, self.y_classes[steps.j], uses)
        elif steps.kind == DELETE:
            _add(counts.delete, self.x_classes[steps.i], uses)
        else:
            source, target = self.x_classes[steps.i], self.y_classes[steps.j]
            copies = self._copies(steps.i, steps.j)
            _add(counts.copy, source[copies], uses[copies])
            pairs = source * counts.substitute.shape[1] + target
            _add(counts.substitute.reshape(-1), pairs[~copies], uses[~copies])

    def best(self) -> tuple[Array, Array, Array, Array]:
        """The most probable edits, from the last to the first.

        Among equally probable ones, the last edit is an insertion, or else a deletion. So copies are as early as
        possible, and an ending is written in one piece: `naso`, `nasoto` ends in `o:o -:t -:o`, not in `-:o -:t o:o`.

        Returns:
            kinds (E, N), source and target ids (E, N), -1 for none, and the number of edits (N,).
        """
        kinds, columns = self._best_kinds(), np.arange(len(self.S))
        i, j = self.S.copy(), self.T.copy()
        edits: Array = np.full((3, self._diagonals - 1, len(columns)), -1)
        counts = np.zeros(len(columns), int)
        while (active := (i > 0) | (j > 0)).any():
            n = columns[active]
            kind = kinds[i[n] + j[n], i[n], n]
            reads, writes = n[kind != INSERT], n[kind != DELETE]
            i[reads] -= 1
            j[writes] -= 1
            edits[0, counts[n], n] = kind
            edits[1, counts[reads], reads] = self.x[i[reads], reads]
            edits[2, counts[writes], writes] = self.y[j[writes], writes]
            counts[n] += 1
        return edits[0], edits[1], edits[2], counts

    def _best_kinds(self) -> Array:
        """(D, S + 1, N) the last edit of the most probable way to each cell, by diagonals."""
        kinds = np.zeros((self._diagonals, len(self.x) + 1, len(self.S)), np.int8)
        best = self._blank(3)
        best[0, 0] = 0
        for d in range(1, len(kinds)):
            best[d % 3] = -np.inf
            for steps in self._ending_on(d):
                after = steps.i + steps.reads
                logs, so_far = best[(d - steps.diagonals) % 3, steps.i] + steps.logs, best[d % 3, after]
                better = logs > so_far + TOLERANCE
                best[d % 3, after] = np.where(better, logs, so_far)
                kinds[d, after] = np.where(better, steps.kind, kinds[d, after])
        return kinds


def _add(counts: Array, classes: Array, uses: Array) -> None:
    counts += np.bincount(classes.ravel(), uses.ravel(), len(counts))

"""A learned edit distance, which aligns sources with targets (Ristad & Yianilos 1998).

Edits turn a source into a target from left to right: copy or substitute a symbol, delete a source symbol, insert a
target symbol. Each edit has a probability. The probability of a pair is the sum over all sequences of edits that turn
its source into its target; expectation maximisation (EM) increases the total over the training pairs:

    E step  count of an edit <- sum over the pairs of its expected number of uses
    M step  probability of an edit <- its count / sum of the counts

The alignment of a pair is its most probable sequence of edits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np

from henkan.text.arrays import Array
from henkan.text.tokenizer import Sequences

INSERT, DELETE, MATCH = range(3)
"""Kinds of edits. A match is a copy or a substitution."""

ITERATIONS = 12
MAX_PAIRS = 5000  # to learn from: more do not change the alignments
MAX_CLASSES = 1024  # symbols of each side with a probability of their own: the most frequent ones
MAX_CELLS = 2**22  # of the lattices that are computed at once
SMOOTHING = 0.01  # added to the count of each edit
COPY_SHARE, SUBSTITUTE_SHARE = 0.4, 0.4  # of the initial probability; the rest is shared by deletions and insertions


class Alignment(NamedTuple):
    """The edits of many pairs, concatenated.

    Attributes:
        kinds: (E,) INSERT, DELETE or MATCH.
        source, target: (E,) symbol id that each edit reads and writes; -1 for none.
        offsets: (n + 1,) the edits of pair k are those from `offsets[k]` to `offsets[k + 1]`.
    """

    kinds: Array
    source: Array
    target: Array
    offsets: Array


@dataclass(frozen=True)
class EditDistance:
    """Log-probabilities of edits, in nats. Rare symbols of one side share a class.

    Attributes:
        source_classes, target_classes: (Vs,), (Vt,) class of each symbol id.
        copy: (Cs,) of a match with the same symbol.
        substitute: (Cs, Ct) of a match with another symbol.
        delete: (Cs,). insert: (Ct,).
    """

    source_classes: Array
    target_classes: Array
    copy: Array
    substitute: Array
    delete: Array
    insert: Array

    @classmethod
    def learn(cls, sources: Sequences, targets: Sequences, same: Array, symbols: int) -> EditDistance:
        """Learn the probabilities from pairs.

        Args:
            sources, targets: ids of the pairs.
            same: (Vs,) target id of each source symbol, -1 if it is not a target symbol.
            symbols: number of target symbols (Vt).
        """
        rows = np.linspace(0, len(sources) - 1, min(len(sources), MAX_PAIRS)).astype(int)
        sources, targets = sources.take(rows), targets.take(rows)
        model = cls._initial(_classes(sources, len(same)), _classes(targets, symbols))
        for _ in range(ITERATIONS):
            counts = _Counts.zeros(*model.substitute.shape)
            for lattice in model._lattices(sources, targets, same):
                lattice.count(counts)
            model = model._with(counts)
        return model

    @classmethod
    def _initial(cls, source_classes: Array, target_classes: Array) -> EditDistance:
        """Copies are preferred to substitutions, and one substitution to an insertion and a deletion."""
        Cs, Ct = int(source_classes.max(initial=0)) + 1, int(target_classes.max(initial=0)) + 1
        rest = (1 - COPY_SHARE - SUBSTITUTE_SHARE) / 2
        shares = COPY_SHARE / Cs, SUBSTITUTE_SHARE / (Cs * Ct), rest / Cs, rest / Ct
        shapes = (Cs,), (Cs, Ct), (Cs,), (Ct,)
        arrays = [np.full(shape, np.log(share)) for shape, share in zip(shapes, shares, strict=True)]
        return cls(source_classes, target_classes, *arrays)

    def _with(self, counts: _Counts) -> EditDistance:
        """The M step. Numbers are rounded as in a saved model, which must align in the same way."""
        total = np.log(sum(float(array.sum()) + SMOOTHING * array.size for array in counts))
        logs = ((np.log(array + SMOOTHING) - total).astype(np.float32).astype(float) for array in counts)
        return EditDistance(self.source_classes, self.target_classes, *logs)

    def align(self, sources: Sequences, targets: Sequences, same: Array) -> Alignment:
        """Align pairs.

        Args:
            sources, targets: ids of n pairs.
            same: as in `learn`.
        """
        parts, order = [], []
        for lattice in self._lattices(sources, targets, same):
            parts.append(lattice.best())
            order.append(lattice.rows)
        return _in_order(parts, order, len(sources))

    def _lattices(self, sources: Sequences, targets: Sequences, same: Array) -> Iterator[_Lattice]:
        """Yield lattices for all pairs, with pairs of similar length together."""
        S, T = sources.lengths(), targets.lengths()
        order = np.lexsort((T, S))
        start = 0
        while start < len(order):
            count, longest_s, longest_t = 0, 0, 0
            for row in order[start:].tolist():
                longest_s, longest_t = max(longest_s, int(S[row])), max(longest_t, int(T[row]))
                if count and (count + 1) * (longest_s + 1) * (longest_s + longest_t + 1) > MAX_CELLS:
                    break
                count += 1
            yield _Lattice(self, sources, targets, order[start : start + count], same)
            start += count

    @property
    def arrays(self) -> dict[str, Array]:
        """Name -> float32 array, to be saved."""
        return {each.name: getattr(self, each.name).astype(np.float32) for each in fields(self)}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, Array], sizes: tuple[int, int]) -> EditDistance:
        """Restore an edit distance from the values of `arrays`.

        Args:
            arrays: name -> array.
            sizes: numbers of source and of target symbols.

        Raises:
            ValueError: if the arrays do not match each other or the numbers of symbols.
        """
        names = [each.name for each in fields(cls)]
        if set(arrays) != set(names):
            raise ValueError("other arrays")
        classes = [arrays[name].astype(int) for name in names[:2]]
        Cs, Ct = (int(each.max(initial=0)) + 1 for each in classes)
        shapes = [(sizes[0],), (sizes[1],), (Cs,), (Cs, Ct), (Cs,), (Ct,)]
        if [arrays[name].shape for name in names] != shapes or any((each < 0).any() for each in classes):
            raise ValueError("invalid arrays")
        return cls(*classes, *(arrays[name].astype(float) for name in names[2:]))


class _Counts(NamedTuple):
    """Expected numbers of edits, in the order of the fields of `EditDistance`."""

    copy: Array
    substitute: Array
    delete: Array
    insert: Array

    @classmethod
    def zeros(cls, Cs: int, Ct: int) -> _Counts:
        return cls(np.zeros(Cs), np.zeros((Cs, Ct)), np.zeros(Cs), np.zeros(Ct))


def _classes(strings: Sequences, symbols: int) -> Array:
    """(V,) class of each symbol: the most frequent have one each, and all others share the last."""
    counts = np.bincount(strings.flat, minlength=symbols)
    ranks = np.empty(symbols, int)
    ranks[np.argsort(-counts, kind="stable")] = np.arange(symbols)
    return np.minimum(ranks, MAX_CLASSES - 1)


class _Lattice:
    """All sequences of edits of N pairs.

    Cell (i, j) means that i source symbols are read and j target symbols written. The arrays are stored by diagonals
    d = i + j: a diagonal needs only the two before it, so a step computes one diagonal of all pairs.
    """

    def __init__(self, model: EditDistance, sources: Sequences, targets: Sequences, rows: Array, same: Array) -> None:
        self.model, self.rows = model, rows
        self.x, self.valid_x = sources.padded(rows)  # (S, N)
        self.y, self.valid_y = targets.padded(rows)  # (T, N)
        self.S, self.T = self.valid_x.sum(axis=0), self.valid_y.sum(axis=0)
        self.same = same
        self.delete = _column(model.delete[model.source_classes[self.x]], self.valid_x)
        self.insert = _column(model.insert[model.target_classes[self.y]], self.valid_y)

    def _matches(self, d: int) -> tuple[Array, Array, Array]:
        """Source steps i and target steps j of the matches that end on diagonal d, and their log-probabilities."""
        first, last = max(0, d - 1 - len(self.y)), min(len(self.x), d - 1)
        i = np.arange(first, last)
        i = i[d - 2 - i < len(self.y)]
        j = d - 2 - i
        x, y, model = self.x[i], self.y[j], self.model
        source = model.source_classes[x]
        logs = np.where(self.same[x] == y, model.copy[source], model.substitute[source, model.target_classes[y]])
        return i, j, np.where(self.valid_x[i] & self.valid_y[j], logs, -np.inf)

    def _forward(self, combine: np.ufunc) -> Array:
        """(D, S + 1, N): the combined log-probability of all ways to each cell, by diagonals."""
        (S, N), T = self.x.shape, len(self.y)
        cells = np.full((S + T + 1, S + 1, N), -np.inf)
        cells[0, 0] = 0
        for d in range(1, S + T + 1):
            now, before = cells[d], cells[d - 1]
            low, high = max(0, d - T), min(S, d)  # cells (i, d - i) with d - i from 0 to T
            i = np.arange(low, high + 1)
            wrote, read = i[d - i > 0], i[i > 0]
            now[wrote] = before[wrote] + self.insert[d - wrote - 1]
            now[read] = combine(now[read], before[read - 1] + self.delete[read - 1])
            if d > 1:
                i, _, logs = self._matches(d)
                now[i + 1] = combine(now[i + 1], cells[d - 2, i] + logs)
        return cells

    def count(self, counts: _Counts) -> None:
        """Add the expected number of each edit."""
        with np.errstate(invalid="ignore"):
            cells = self._forward(np.logaddexp)
            after = np.full_like(cells[:3], -np.inf)  # of the diagonals d, d + 1 and d + 2
            columns = np.arange(len(self.S))
            totals = cells[self.S + self.T, self.S, columns]
            source, target = self.model.source_classes[self.x], self.model.target_classes[self.y]
            for d in range(len(cells) - 1, -1, -1):
                after = np.roll(after, 1, axis=0)
                after[0] = -np.inf
                ends = columns[d == self.S + self.T]
                after[0, self.S[ends], ends] = 0
                here, cell = cells[d] - totals, after[0]
                i = np.arange(max(0, d - len(self.y)), min(len(self.x), d) + 1)
                writes, reads = i[d - i < len(self.y)], i[i < len(self.x)]
                for step, edit, classes, there, total in (
                    (writes, self.insert[d - writes], target[d - writes], after[1, writes], counts.insert),
                    (reads, self.delete[reads], source[reads], after[1, reads + 1], counts.delete),
                ):
                    logs = edit + there
                    cell[step] = np.logaddexp(cell[step], logs)
                    total += np.bincount(classes.ravel(), np.exp(here[step] + logs).ravel(), len(total))
                i, j, logs = self._matches(d + 2) if d + 2 < len(cells) else (i[:0], i[:0], np.empty((0, len(columns))))
                logs = logs + after[2, i + 1]
                cell[i] = np.logaddexp(cell[i], logs)
                uses, copied = np.exp(here[i] + logs), self.same[self.x[i]] == self.y[j]
                counts.copy[:] += np.bincount(source[i][copied], uses[copied], len(counts.copy))
                pairs = source[i][~copied] * len(counts.insert) + target[j][~copied]
                flat = np.bincount(pairs, uses[~copied], counts.substitute.size)
                counts.substitute[...] += flat.reshape(counts.substitute.shape)

    def best(self) -> tuple[Array, Array, Array, Array]:
        """The most probable edits: kinds (E, N), source and target ids (E, N), and their number (N,).

        Among equally probable edits, the last one is an insertion, or else a deletion. So copies are as early as
        possible, and endings are written in one piece: `ev`, `evde` is aligned as `e v -:d -:e`, not `e:e -:v -:d v:e`.
        """
        cells, columns = self._forward(np.maximum), np.arange(len(self.S))
        i, j, steps = self.S.copy(), self.T.copy(), []
        while ((i > 0) | (j > 0)).any():
            active = (i > 0) | (j > 0)
            scores = np.full((3, len(i)), -np.inf)
            d = i + j
            both, some_i, some_j = (i > 0) & (j > 0), i > 0, j > 0
            n = columns[some_j]
            scores[INSERT, n] = cells[d[n] - 1, i[n], n] + self.insert[j[n] - 1, n]
            n = columns[some_i]
            scores[DELETE, n] = cells[d[n] - 1, i[n] - 1, n] + self.delete[i[n] - 1, n]
            n = columns[both]
            scores[MATCH, n] = cells[d[n] - 2, i[n] - 1, n] + self._match(i[n] - 1, j[n] - 1, n)
            kind = scores.argmax(axis=0)
            reads, writes = active & (kind != INSERT), active & (kind != DELETE)
            source, target = np.full(len(i), -1), np.full(len(i), -1)
            source[reads] = self.x[i[reads] - 1, columns[reads]]
            target[writes] = self.y[j[writes] - 1, columns[writes]]
            steps.append((kind, source, target, active))
            i -= reads
            j -= writes
        empty: Array = np.zeros((0, len(columns)), int)
        if not steps:
            return empty, empty, empty, np.zeros(len(columns), int)
        kinds, sources, targets, active = (np.stack(part) for part in zip(*steps, strict=True))
        return kinds, sources, targets, active.sum(axis=0)

    def _match(self, i: Array, j: Array, n: Array) -> Array:
        x, y, model = self.x[i, n], self.y[j, n], self.model
        source = model.source_classes[x]
        logs: Array = np.where(self.same[x] == y, model.copy[source], model.substitute[source, model.target_classes[y]])
        return logs


def _column(logs: Array, valid: Array) -> Array:
    return np.where(valid, logs, -np.inf)


def _in_order(parts: list[tuple[Array, Array, Array, Array]], order: list[Array], n: int) -> Alignment:
    """Join the reversed edits of all lattices, in the order of the pairs."""
    lengths = np.zeros(n, int)
    for (*_, counts), rows in zip(parts, order, strict=True):
        lengths[rows] = counts
    offsets = np.concatenate([np.zeros(1, int), np.cumsum(lengths)])
    kinds, source, target = joined = [np.zeros(offsets[-1], int) for _ in range(3)]
    for (*arrays, counts), rows in zip(parts, order, strict=True):
        steps = np.arange(len(arrays[0]))[:, None]
        valid = steps < counts
        positions = (offsets[rows] + counts - 1 - steps)[valid]
        for out, array in zip(joined, arrays, strict=True):
            out[positions] = array[valid]
    return Alignment(kinds, source, target, offsets)

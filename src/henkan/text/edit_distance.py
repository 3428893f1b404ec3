"""A learned edit distance, which aligns sources with targets (Ristad & Yianilos 1998).

Edits turn a source into a target from left to right: copy or substitute a symbol, delete a source symbol, insert a
target symbol. Each edit has a probability. The probability of a pair is the sum over all sequences of edits that turn
its source into its target; expectation maximisation (EM) increases the total over the training pairs:

    E step  count of an edit <- sum over the pairs of its expected number of uses
    M step  probability of an edit <- its count / sum of the counts

The alignment of a pair is its most probable sequence of edits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from henkan.text.arrays import Array
from henkan.text.edit_lattice import DELETE, INSERT, MATCH, EditLattice, Edits, Side
from henkan.text.tokenizer import Sequences

ITERATIONS = 12
MAX_PAIRS, LEARNED_CELLS = 5000, 2**22  # to learn from: more do not change the alignments
MAX_CLASSES = 1024  # symbols of each side with a probability of their own: the most frequent ones
MAX_CELLS = 2**22  # of the lattices that are computed at once
MAX_LATTICE = 2**20  # cells of one pair, as of two strings of 700 symbols
SMOOTHING = 0.01  # added to the count of each edit
COPY_SHARE, SUBSTITUTE_SHARE = 0.4, 0.4  # of the initial probability; the rest is shared by deletions and insertions


class Alignment(NamedTuple):
    """The edits of many pairs, concatenated.

    Attributes:
        kinds: (E,) INSERT, DELETE or MATCH; see `henkan.text.edit_lattice`.
        source, target: (E,) symbol id that each edit reads and writes; -1 for none.
        offsets: (n + 1,) the edits of pair k are those from `offsets[k]` to `offsets[k + 1]`.
    """

    kinds: Array
    source: Array
    target: Array
    offsets: Array


@dataclass(frozen=True)
class EditDistance:
    """Log-probabilities of edits. Rare symbols of one side share a class.

    Attributes:
        source_classes, target_classes: (Vs,), (Vt,) class of each symbol id.
        logs: log-probability of each edit in nats.
    """

    source_classes: Array
    target_classes: Array
    logs: Edits

    @classmethod
    def learn(cls, sources: Sequences, targets: Sequences, same: Array, symbols: int) -> EditDistance:
        """Learn the probabilities from pairs, or from a part of many or long ones; see `sample`.

        Args:
            sources, targets: ids of the pairs.
            same: (Vs,) target id of each source symbol, -1 if it is not a target symbol.
            symbols: number of target symbols (Vt).
        """
        rows = sample(sources, targets, MAX_PAIRS, LEARNED_CELLS)
        sources, targets = sources.take(rows), targets.take(rows)
        model = cls._initial(_classes(sources, len(same)), _classes(targets, symbols))
        for _ in range(ITERATIONS if len(rows) else 0):
            model = model.improved(sources, targets, same)
        return model

    @classmethod
    def _initial(cls, source_classes: Array, target_classes: Array) -> EditDistance:
        """Copies are preferred to substitutions, and one substitution to an insertion and a deletion."""
        Cs, Ct = int(source_classes.max(initial=0)) + 1, int(target_classes.max(initial=0)) + 1
        rest = (1 - COPY_SHARE - SUBSTITUTE_SHARE) / 2
        shares = COPY_SHARE / Cs, SUBSTITUTE_SHARE / (Cs * Ct), rest / Cs, rest / Ct
        shapes = _shapes(Cs, Ct)
        logs = (np.full(shape, np.log(share)) for shape, share in zip(shapes, shares, strict=True))
        return cls(source_classes, target_classes, Edits(*logs))

    def improved(self, sources: Sequences, targets: Sequences, same: Array) -> EditDistance:
        """Return the edit distance after one iteration of EM on pairs; see `learn` for the arguments.

        Probabilities are rounded as in a saved model, which must align in the same way.
        """
        counts = Edits(*(np.zeros_like(array) for array in self.logs))
        for lattice in self._lattices(sources, targets, _copies(sources, same)):
            lattice.add_counts(counts)
        total = np.log(sum(float(array.sum()) + SMOOTHING * array.size for array in counts))
        logs = ((np.log(array + SMOOTHING) - total).astype(np.float32).astype(float) for array in counts)
        return EditDistance(self.source_classes, self.target_classes, Edits(*logs))

    def with_copies(self, unknown: int | None, others: int) -> EditDistance:
        """Return an edit distance for symbols that the pairs to learn from do not have.

        Copies of unknown source symbols have the mean probability of a copy, unless they share their class with others.

        Args:
            unknown: id of the unknown symbol among the source symbols; None if there is none.
            others: number of further target symbols, Vt, Vt + 1 and so on. They can only be copied.
        """
        (copy, substitute, delete, insert), never = self.logs, -np.inf
        own = -1 if unknown is None else self.source_classes[unknown]
        if np.count_nonzero(self.source_classes == own) == 1:
            copy = np.where(np.arange(len(copy)) == own, np.log(np.exp(copy).mean()), copy)
        logs = Edits(copy, np.insert(substitute, len(insert), never, axis=1), delete, np.append(insert, never))
        target_classes = np.append(self.target_classes, np.full(others, len(insert)))
        return EditDistance(self.source_classes, target_classes, logs)

    def align(self, sources: Sequences, targets: Sequences, same: Array) -> Alignment:
        """Align pairs. Very long strings are aligned position by position, because a lattice would be too large.

        Args:
            sources, targets: ids of n pairs.
            same: as in `learn`.
        """
        return self.align_copies(sources, targets, _copies(sources, same))

    def align_copies(self, sources: Sequences, targets: Sequences, copies: Sequences) -> Alignment:
        """Align pairs as `align`, with the target symbol that equals each source symbol.

        If a pair has no sequence of edits, the result writes a symbol that can only be copied in another way.

        Args:
            sources, targets: ids of n pairs.
            copies: for each symbol of the sources the id of the same target symbol, negative if there is none.
        """
        short = np.asarray(_cells(sources.lengths(), targets.lengths())) <= MAX_LATTICE
        rows, long = np.flatnonzero(short), np.flatnonzero(~short)
        parts, order = [], []
        for lattice in self._lattices(sources.take(rows), targets.take(rows), copies.take(rows)):
            parts.append(lattice.best())
            order.append(rows[lattice.rows])
        for row in long.tolist():
            only_copied = np.isneginf(self.logs.insert[self.target_classes[targets[row]]])
            anchors = _anchors(copies[row], targets[row], np.flatnonzero(only_copied))
            parts.append(_position_by_position(sources[row], targets[row], anchors))
            order.append(np.array([row]))
        return _in_order(parts, order, len(sources))

    def log_probabilities(self, sources: Sequences, targets: Sequences, same: Array) -> Array:
        """(n,) log-probabilities of pairs in nats: each the sum over all its sequences of edits.

        Args:
            sources, targets: ids of n pairs.
            same: as in `learn`.
        """
        logs = np.empty(len(sources))
        for lattice in self._lattices(sources, targets, _copies(sources, same)):
            logs[lattice.rows] = lattice.log_probabilities()
        return logs

    def _lattices(self, sources: Sequences, targets: Sequences, copies: Sequences) -> Iterator[EditLattice]:
        """Yield lattices for all pairs, with pairs of similar length together."""
        sides = Side(sources, self.source_classes), Side(targets, self.target_classes)
        S, T = sources.lengths(), targets.lengths()
        order = np.lexsort((T, S))
        start, longest_s, longest_t = 0, 0, 0
        for end, row in enumerate(order.tolist()):
            longest_s, longest_t = max(longest_s, int(S[row])), max(longest_t, int(T[row]))
            if end > start and (end + 1 - start) * _cells(longest_s, longest_t) > MAX_CELLS:
                yield EditLattice(self.logs, *sides, order[start:end], copies)
                start, longest_s, longest_t = end, int(S[row]), int(T[row])
        if start < len(order):
            yield EditLattice(self.logs, *sides, order[start:], copies)

    @property
    def arrays(self) -> dict[str, Array]:
        """Name -> float32 array, to be saved."""
        classes = {"source_classes": self.source_classes, "target_classes": self.target_classes}
        return {name: array.astype(np.float32) for name, array in {**classes, **self.logs._asdict()}.items()}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, Array], sizes: tuple[int, int]) -> EditDistance:
        """Restore an edit distance from the values of `arrays`.

        Args:
            arrays: name -> array.
            sizes: numbers of source and of target symbols.

        Raises:
            ValueError: if the arrays do not match each other or the numbers of symbols.
        """
        names = ["source_classes", "target_classes", *Edits._fields]
        if set(arrays) != set(names):
            raise ValueError("other arrays")
        if not all(np.isfinite(arrays[name]).all() for name in names):
            raise ValueError("numbers that are not finite")
        classes = [arrays[name].astype(int) for name in names[:2]]
        Cs, Ct = (int(each.max(initial=0)) + 1 for each in classes)
        shapes = [(sizes[0],), (sizes[1],), *_shapes(Cs, Ct)]
        if [arrays[name].shape for name in names] != shapes or any((each < 0).any() for each in classes):
            raise ValueError("invalid arrays")
        return cls(classes[0], classes[1], Edits(*(arrays[name].astype(float) for name in names[2:])))


def sample(sources: Sequences, targets: Sequences, pairs: int, cells: int) -> Array:
    """Choose pairs, evenly spread, whose lattices have at most about a number of cells together.

    Args:
        sources, targets: ids of the pairs.
        pairs: maximum number of pairs.
        cells: maximum number of cells. Pairs that would need more than a quarter of them are left out.
    """
    sizes: Array = np.asarray(_cells(sources.lengths(), targets.lengths()))
    rows = np.flatnonzero(sizes <= cells // 4)
    count = min(len(rows), pairs, int(cells / max(1.0, float(sizes[rows].mean()))) if len(rows) else 0)
    chosen: Array = rows[np.linspace(0, len(rows) - 1, count).astype(int)]
    return chosen


def _copies(sources: Sequences, same: Array) -> Sequences:
    """For each symbol of the sources the id of the same target symbol; see `EditDistance.learn` for the arguments."""
    return Sequences(same[sources.flat], sources.offsets)


def _anchors(copies: Array, target: Array, only_copied: Array) -> list[tuple[int, int]]:
    """Positions in source and target of the first possible copies of the target symbols at given positions."""
    rest, anchors = enumerate(copies.tolist()), []
    for j in only_copied.tolist():
        i = next((i for i, symbol in rest if symbol == target[j]), None)
        if i is None:
            break
        anchors.append((i, j))
    return anchors


def _position_by_position(
    source: Array, target: Array, anchors: Sequence[tuple[int, int]]
) -> tuple[Array, Array, Array, Array]:
    """Match symbols at the same distance from an anchor, where source and target are matched, and insert or delete the
    rest; as `EditLattice.best` for one pair.
    """
    edits: list[int] = []
    i = j = 0
    for next_i, next_j in [*anchors, (len(source), len(target))]:
        S, T = next_i - i, next_j - j
        edits += [MATCH] * min(S, T) + [DELETE] * (S - T) + [INSERT] * (T - S) + [MATCH]
        i, j = next_i + 1, next_j + 1
    kinds = np.array(edits[:-1])
    read, written = (np.full(len(kinds), -1) for _ in range(2))
    read[kinds != INSERT], written[kinds != DELETE] = source, target
    return kinds[::-1, None], read[::-1, None], written[::-1, None], np.array([len(kinds)])


def _shapes(Cs: int, Ct: int) -> list[tuple[int, ...]]:
    """Shapes of the fields of `Edits`."""
    return [(Cs,), (Cs, Ct), (Cs,), (Ct,)]


def _cells(S: Array | int, T: Array | int) -> Array | int:
    """Size of the lattice of a source of S and a target of T symbols."""
    return (S + 1) * (S + T + 1)


def _classes(strings: Sequences, symbols: int) -> Array:
    """(V,) class of each symbol: the most frequent have one each, and all others share the last."""
    counts = np.bincount(strings.flat, minlength=symbols)
    ranks = np.empty(symbols, int)
    ranks[np.argsort(-counts, kind="stable")] = np.arange(symbols)
    return np.minimum(ranks, MAX_CLASSES - 1)


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

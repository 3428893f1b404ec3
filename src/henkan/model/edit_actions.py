"""The target codec of the transducer: targets as edit actions (after Makarov & Clematide 2018, 2020).

A pointer moves over the symbols of the source, from the first to the last. Each action writes a symbol, moves the
pointer to the next symbol, or both:

    action        writes                       moves the pointer
    COPY          the symbol at the pointer    yes
    substitute v  v                            yes
    insert v      v                            no
    DELETE        nothing                      yes
    END           nothing; ends the output     no

After the last symbol, only insertions and END are possible; before, everything but END. Feature tags are not part of
the text that the pointer moves over. They precede the text, so it starts after the last tag. An unknown tag is read as
the unknown symbol; it belongs to the tags if a known tag follows it.

The actions of a pair come from its alignment (`henkan.text.edit_distance`), so every pair has exactly one sequence of
actions, and the probability of a target is the probability of its sequence.

COPY also writes symbols that the target vocabulary lacks, and unknown symbols of the source. In a target, they have
copy ids (`henkan.batching.copy_ids`): only the symbol at the pointer can be copied, even if others have the same id. A
symbol that the target vocabulary lacks can be written in no other way, so a target may be impossible.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from henkan.batching.copy_ids import IMPOSSIBLE, NEVER, CopyIds
from henkan.model.codec import TargetCodec
from henkan.nn.kernels.structures import UNDER_POINTER
from henkan.text.arrays import Array
from henkan.text.edit_distance import EditDistance
from henkan.text.edit_lattice import INSERT, MATCH
from henkan.text.tokenizer import Sequences, Tokenized, smallest_dtype
from henkan.text.vocabulary import UNKNOWN, Vocabulary

END, DELETE, COPY, FIRST = range(4)
"""Ids of the actions; FIRST is the first of the substitutions, which are followed by the insertions."""


class ActionTable:
    """What each action does, for V target symbols of which the first is the boundary.

    Attributes:
        size: number of actions (A).
        writes: (A,) the target symbol that an action writes; 0 for none, and for COPY.
        moves: (A,) whether the pointer moves.
        inserts: (A,) whether it is an insertion.
        before_end, at_end: (A,) whether it is possible before and after the last symbol of the source.
    """

    def __init__(self, symbols: int) -> None:
        written = np.arange(1, symbols)
        self.size = FIRST + 2 * len(written)
        self.writes = np.concatenate([np.zeros(FIRST, int), written, written])
        self.inserts = np.arange(self.size) >= FIRST + len(written)
        self.moves = ~self.inserts
        self.moves[END] = False
        self.before_end = np.arange(self.size) != END
        self.at_end = ~self.moves

    @classmethod
    def of_size(cls, size: int) -> ActionTable:
        """Return the table with `size` actions."""
        return cls((size - FIRST) // 2 + 1)

    def substitution(self, symbols: Array) -> Array:
        """Return the actions that substitute the given target symbols."""
        return FIRST - 1 + symbols

    def insertion(self, symbols: Array) -> Array:
        """Return the actions that insert the given target symbols."""
        return FIRST - 1 + (self.size - FIRST) // 2 + symbols


class EditActions:
    """Predicts edit actions. See `henkan.model.codec.TargetCodec` for the attributes and methods.

    Args:
        source, target: the vocabularies.
        reverse: whether source and target are edited from the last symbol to the first.
    """

    fixed_length = False
    start = end = END
    forbidden: Sequence[int] = ()
    ambiguous = True

    def __init__(self, source: Vocabulary, target: Vocabulary, *, reverse: bool = False) -> None:
        self.source, self.target, self.reverse = source, target, reverse
        self.actions = ActionTable(len(target))
        self.size = self.actions.size
        self.writes, self.moves = self.actions.writes.copy(), self.actions.moves.astype(int)
        self.writes[COPY] = UNDER_POINTER
        self.same, self.is_tag = source.ids_in(target), source.is_tag
        self.distance: EditDistance | None = None

    def learn(self, sources: Sequences, targets: Sequences) -> None:
        """Learn to align pairs."""
        self.distance = EditDistance.learn(self._texts(sources), targets, self.same, len(self.target))

    @property
    def arrays(self) -> Mapping[str, Array]:
        """See `TargetCodec.arrays`."""
        assert self.distance is not None
        return self.distance.arrays

    def restore(self, arrays: Mapping[str, Array]) -> None:
        """See `TargetCodec.restore`."""
        self.distance = EditDistance.of_arrays(arrays, (len(self.source), len(self.target)))

    def _texts(self, sources: Sequences) -> Sequences:
        """The sources without feature tags."""
        return sources.after_last(self.is_tag)

    def _copy_ids(self, sources: Sequences, copy_ids: CopyIds | None) -> Sequences:
        """The copy ids, by default those of the known symbols."""
        if copy_ids is None:
            known = Tokenized(sources, self.source.symbols_by_id)
            copy_ids = CopyIds.of(known, self.source.tokenizer, self.target)
        return copy_ids.ids

    def text_start(self, source: Sequence[int]) -> int:
        """Position of the first symbol of the text in the ids of a source, after its feature tags."""
        tags = np.flatnonzero(self.is_tag[list(source)])
        return int(tags[-1]) + 1 if len(tags) else 0

    def encode(self, sources: Sequences, targets: Sequences, copy_ids: CopyIds | None = None) -> Sequences:
        """The actions of each pair, with END. Without copy ids, unknown symbols cannot be copied."""
        assert self.distance is not None
        texts = self._texts(sources)
        copies = _ends(self._copy_ids(sources, copy_ids), texts)
        unknown, V = UNKNOWN if self.source.unknown else None, len(self.target)
        distance = self.distance.with_copies(unknown, max(0, int(targets.flat.max(initial=0)) + 1 - V))
        kinds, _, target, offsets = distance.align_copies(texts, targets, copies)
        copied = kinds == MATCH
        copied[kinds != INSERT] &= copies.flat == target[kinds != INSERT]
        symbols = np.where(kinds == INSERT, self.actions.insertion(target), self.actions.substitution(target))
        symbols[kinds == DELETE] = DELETE
        symbols[copied] = COPY
        actions = Sequences(symbols.astype(smallest_dtype(self.size)), offsets)
        actions = (actions.reversed() if self.reverse else actions).ended(END)
        impossible = np.zeros(len(actions), bool)
        impossible[np.searchsorted(offsets, np.flatnonzero((target >= V) & ~copied), side="right") - 1] = True
        return actions.emptied(impossible) if impossible.any() else actions

    def decode(self, source: Sequence[int], symbols: Sequence[int]) -> list[int]:
        """The written symbols. A copied symbol that is not in the target vocabulary has the id V + its position."""
        written = [
            self.written(source, action, at) for action, at in zip(symbols, self.pointer(source, symbols), strict=True)
        ]
        known = [id for id in written if id]
        return known[::-1] if self.reverse else known

    def written(self, source: Sequence[int], action: int, position: int) -> int:
        """Return what an action writes at a position of a source, as in `decode`; 0 if it writes nothing."""
        if action == COPY and position < len(source):
            same = int(self.same[source[position]])
            return same if same >= 0 else len(self.target) + position
        return int(self.actions.writes[action])

    def pointer(self, source: Sequence[int], symbols: Sequence[int]) -> Sequence[int]:
        """See `TargetCodec.pointer`."""
        order = [*range(self.text_start(source), len(source))[:: -1 if self.reverse else 1], len(source)]
        moves = np.cumsum([0, *self.actions.moves[list(symbols)]])[:-1]
        return [order[min(move, len(order) - 1)] for move in moves.tolist()]

    def action(self, symbol: int) -> str:
        """Return "end", "delete", "copy", "substitute" or "insert"."""
        named = {END: "end", DELETE: "delete", COPY: "copy"}
        return named.get(symbol, "insert" if self.actions.inserts[symbol] else "substitute")

    def canonical(
        self, sources: Sequence[Sequence[int]], outputs: Sequence[Sequence[int]], copy_ids: CopyIds | None = None
    ) -> Sequence[Sequence[int]]:
        """The actions of the alignment. An output with copies that cannot be target symbols stays as it is."""
        ids, V = Sequences.of(sources, len(self.source)), len(self.target)
        copies = self._copy_ids(ids, copy_ids)
        targets = []
        for row, (source, output) in enumerate(zip(sources, outputs, strict=True)):
            written = self.decode(source, output)
            if any(id >= V for id in written):
                written = _as_target(written, copies[row].tolist(), V)
            targets.append(written)
        encoded = self.encode(ids, Sequences.of(targets, V + max(map(len, sources), default=0)), copy_ids)
        return [encoded[row].tolist() or list(output) for row, output in enumerate(outputs)]

    def is_complete(self, symbols: Array) -> Array:
        """Whether each of the actions (N,) is END."""
        complete: Array = symbols == END
        return complete

    def max_steps(self, source_steps: int) -> int:
        """Twice the steps of the longest training target and the steps of the source, with END."""
        return 2 * (self.target.longest + 1) + source_steps

    def positions_in(self, other: TargetCodec) -> list[int]:
        """See `TargetCodec.positions_in`."""
        assert isinstance(other, EditActions)
        symbols = np.array(self.target.positions_in(other.target)[1:], int)
        moved = [*range(FIRST), *other.actions.substitution(symbols), *other.actions.insertion(symbols)]
        return [int(position) for position in moved]


def _ends(strings: Sequences, texts: Sequences) -> Sequences:
    """The last ids of each string, as many as the text has."""
    kept = np.arange(len(strings.flat)) >= np.repeat(strings.offsets[1:] - texts.lengths(), strings.lengths())
    return Sequences(strings.flat[kept], texts.offsets)


def _as_target(written: Sequence[int], copy_ids: Sequence[int], symbols: int) -> list[int]:
    """Replace the positions of copied symbols by their copy ids. Symbols that no target shows are left out.

    Args:
        written: ids as from `EditActions.decode`.
        copy_ids: the copy ids of the source.
        symbols: number of target symbols (V).
    """
    ids = [copy_ids[id - symbols] if id >= symbols else id for id in written]
    return [old if new == IMPOSSIBLE else new for old, new in zip(written, ids, strict=True) if new != NEVER]

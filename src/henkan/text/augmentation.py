"""Synthetic training pairs for small data (after Anastasopoulos & Neubig 2019).

Where source and target share a part, as the stem of `walk`, `walked`, most of its letters are replaced at random, in
the same way on both sides: `wemk`, `wemked`. So the model learns that stems are copied, whatever their letters, and
what happens to the rest of the word.

Letters next to a change are kept, because they often determine it, as the last vowel of a Turkish stem. A letter is
replaced by one of the same kind, such as a lower-case letter, that occurs in shared parts. Only letters are replaced:
digits of a sum, for example, are not arbitrary.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from henkan.text.arrays import Array
from henkan.text.edit_distance import EditDistance
from henkan.text.edit_lattice import DELETE, INSERT
from henkan.text.tokenizer import Sequences

MIN_SHARED = 3  # symbols: shorter shared parts may be accidental
KEPT = 2  # symbols next to a change
REPLACED = 0.7  # share of the other letters
MAX_LENGTH = 64  # symbols: a long line among words is no model for others


@dataclass(frozen=True)
class SharedPart:
    """The positions of the replaceable letters of a pair in its source and its target."""

    source: Array
    target: Array


class Augmentation:
    """Creates synthetic pairs.

    Args:
        sources, targets: ids of the training pairs.
        same: (Vs,) target id of each source symbol, -1 if it is not a target symbol.
        symbols: the source symbol of each id.
        is_tag: (Vs,) whether a source symbol is a feature tag.
        target_symbols: number of target symbols.
    """

    def __init__(
        self,
        sources: Sequences,
        targets: Sequences,
        *,
        same: Array,
        symbols: Sequence[str],
        is_tag: Array,
        target_symbols: int,
    ) -> None:
        self.sources, self.targets, self.same = sources, targets, same
        self.kinds = np.array([unicodedata.category(symbol[0]) if symbol else "" for symbol in symbols])
        is_letter = np.char.startswith(self.kinds, "L") & (same >= 0) & ~is_tag
        texts = sources.after_last(is_tag)
        distance = EditDistance.learn(texts, targets, same, target_symbols)
        self.alignment = distance.align(texts, targets, same)
        tags = sources.lengths() - texts.lengths()
        short = np.maximum(texts.lengths(), targets.lengths()) <= MAX_LENGTH
        found = {row: self._part(row, int(tags[row]), is_letter) for row in np.flatnonzero(short).tolist()}
        self.parts = {row: part for row, part in found.items() if part is not None}
        self.letters = self._letters()

    @property
    def share(self) -> float:
        """Share of the pairs that have a shared part, from 0 to 1."""
        return len(self.parts) / max(1, len(self.sources))

    def _part(self, row: int, tags: int, is_letter: Array) -> SharedPart | None:
        """The replaceable letters of a pair, whose text starts after `tags` feature tags."""
        edits = slice(self.alignment.offsets[row], self.alignment.offsets[row + 1])
        kinds, source, target = (array[edits] for array in self.alignment[:3])
        copied = (kinds != INSERT) & (kinds != DELETE)
        copied[copied] = self.same[source[copied]] == target[copied]
        replaced = np.zeros(len(kinds), bool)
        for start, end in _runs(copied):
            if end - start >= MIN_SHARED:
                replaced[start + KEPT * (start > 0) : end - KEPT * (end < len(kinds))] = True
        replaced[replaced] = is_letter[source[replaced]]
        if not replaced.any():
            return None
        positions = [np.cumsum(kinds != kind)[replaced] - 1 for kind in (INSERT, DELETE)]
        return SharedPart(positions[0] + tags, positions[1])

    def _letters(self) -> dict[str, Array]:
        """Kind -> the ids of its letters that occur in shared parts."""
        found: dict[str, set[int]] = defaultdict(set)
        for row, part in self.parts.items():
            for id in self.sources[row][part.source].tolist():
                found[str(self.kinds[id])].add(id)
        return {kind: np.array(sorted(ids)) for kind, ids in found.items()}

    def draw(self, count: int, generator: np.random.Generator) -> tuple[Sequences, Sequences, Array]:
        """Draw synthetic pairs.

        Args:
            count: number of pairs; none are drawn if no pair has a shared part.
            generator: draws them.

        Returns:
            ids of their sources and targets, and (count,) the rows that they were made from.
        """
        rows = np.array(sorted(self.parts), int)
        rows = rows[generator.integers(len(rows), size=count if len(rows) else 0)] if len(rows) else rows
        sources, targets = self.sources.take(rows), self.targets.take(rows)
        for number, row in enumerate(rows.tolist()):
            part, source, target = self.parts[row], sources[number], targets[number]
            chosen = generator.random(len(part.source)) < REPLACED
            for i, j in zip(part.source[chosen].tolist(), part.target[chosen].tolist(), strict=True):
                letters = self.letters[str(self.kinds[source[i]])]
                source[i] = letters[generator.integers(len(letters))]
                target[j] = self.same[source[i]]
        return sources, targets, rows


def _runs(mask: Array) -> list[tuple[int, int]]:
    """Start and end of each run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(int)))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]

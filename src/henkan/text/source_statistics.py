"""Statistics of tokenized sources: their lengths, their longest numbers and their feature tags."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from henkan.text.arrays import Array
from henkan.text.texts import CHUNK_ROWS
from henkan.text.tokenizer import TAG, Sequences


class SourceStatistics:
    """Statistics of n tokenized sources. The symbols are processed a block of sources at a time, to save memory.

    Args:
        sequences: the sources.
        symbols: the symbol of each id; "" for an id that is not a symbol.
        features: whether sources carry feature tags.

    Attributes:
        lengths: (n,) number of symbols, without tags.
        digits: (n,) number of digits in the longest number.
        blank: (n,) whether there are no symbols other than whitespace and tags.
    """

    def __init__(self, sequences: Sequences, symbols: Sequence[str], *, features: bool) -> None:
        self._sequences = sequences
        self.is_tag = np.array([features and symbol.startswith(TAG) and len(symbol) > 1 for symbol in symbols], bool)
        is_digit = np.array([symbol.isdecimal() for symbol in symbols], bool)
        is_visible = np.array([bool(symbol.strip()) for symbol in symbols], bool) & ~self.is_tag
        blocks = []
        for flat, offsets in _blocks(sequences):
            lengths = np.diff(offsets)
            if features:
                lengths = _counts(~self.is_tag[flat], offsets)
            digits = _longest_runs(is_digit[flat], offsets) if is_digit.any() else np.zeros(len(lengths), np.int64)
            blocks.append((lengths, digits, _counts(is_visible[flat], offsets) == 0))
        self.lengths, self.digits, self.blank = (np.concatenate(parts) for parts in zip(*blocks, strict=True))

    def tag_sets(self) -> list[tuple[int, ...]]:
        """Return the ids of the tags of each source, in ascending order and without repetitions."""
        flat, is_tag = self._sequences.flat, self.is_tag
        ends = self._sequences.offsets.tolist()
        found = []
        for start, end in pairwise(ends):
            ids = flat[start:end]
            found.append(tuple(sorted(set(ids[is_tag[ids]].tolist()))))
        return found


def _blocks(sequences: Sequences) -> Iterator[tuple[Array, Array]]:
    """Yield blocks of sources: the ids of each, concatenated, and (rows + 1,) offsets. There is at least one block."""
    for start in range(0, max(1, len(sequences)), CHUNK_ROWS):
        ends = sequences.offsets[start : start + CHUNK_ROWS + 1]
        yield sequences.flat[ends[0] : ends[-1]], ends - ends[0]


def _counts(mask: Array, offsets: Array) -> Array:
    """Count the true values of each row of a concatenated mask."""
    before = np.concatenate([np.zeros(1, np.int64), np.cumsum(mask)])
    return np.diff(before[offsets])


def _longest_runs(mask: Array, offsets: Array) -> Array:
    """Return the length of the longest run of true values in each row of a concatenated mask."""
    longest = np.zeros(len(offsets) - 1, np.int64)
    positions = np.arange(len(mask))
    starts = np.repeat(offsets[:-1], np.diff(offsets))  # a run does not continue from the row before
    after_false = np.maximum.accumulate(np.where(mask, 0, positions + 1))
    runs = np.where(mask, positions + 1 - np.maximum(starts, after_false), 0)
    filled = np.flatnonzero(np.diff(offsets))
    if len(filled):
        longest[filled] = np.maximum.reduceat(runs, offsets[:-1][filled])
    return longest

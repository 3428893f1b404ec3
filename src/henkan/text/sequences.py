"""Many strings as ids, stored in one array."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from henkan.text.arrays import Array
from henkan.text.texts import Texts
from henkan.text.tokenizer import Cutting

CODE_POINTS = 0x110000


class Sequences:
    """Many strings as ids, in one flat vector.

    Attributes:
        flat: the ids of all strings, concatenated, in a small unsigned type.
        offsets: (n + 1,) string k is `flat[offsets[k]:offsets[k + 1]]`.
    """

    def __init__(self, flat: Array, offsets: Array) -> None:
        self.flat, self.offsets = flat, offsets

    @classmethod
    def of(cls, ids: Iterable[Sequence[int]], symbols: int) -> Sequences:
        """Create sequences from ids below `symbols`."""
        strings = list(ids)
        offsets = _offsets([len(string) for string in strings])
        flat = np.fromiter((id for string in strings for id in string), fitting(symbols), count=int(offsets[-1]))
        return cls(flat, offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def lengths(self, rows: Array | slice = slice(None)) -> Array:
        """The lengths in symbols of the given rows, or of all."""
        return self.offsets[1:][rows] - self.offsets[:-1][rows]

    def padded(self, rows: Array, *, reverse: bool = False) -> tuple[Array, Array]:
        """The given rows as a padded batch: ids (T, N), zeros after each end, and the mask valid (T, N)."""
        starts, lengths = self.offsets[rows], self.lengths(rows)
        steps = np.arange(lengths.max(initial=0))[:, None]
        valid = steps < lengths
        places = starts + (lengths - 1 - steps if reverse else steps)
        ids = np.zeros(valid.shape, np.intp)
        ids[valid] = self.flat[places[valid]]
        return ids, valid

    def ended(self, id: int) -> Sequences:
        """A copy with an id appended to each string."""
        return Sequences(np.insert(self.flat, self.offsets[1:], id), self.offsets + np.arange(len(self.offsets)))

    def emptied(self, rows: Array) -> Sequences:
        """A copy in which the rows of a mask are empty."""
        lengths = self.lengths()
        return Sequences(self.flat[np.repeat(~rows, lengths)], _offsets(np.where(rows, 0, lengths)))

    def filled(self, width: int, id: int) -> Sequences:
        """A copy in which every string is padded with `id` to `width`."""
        flat = np.full((len(self), width), id, self.flat.dtype)
        flat[np.arange(width) < self.lengths()[:, None]] = self.flat
        return Sequences(flat.reshape(-1), np.arange(len(self) + 1) * width)


class Tokenized(NamedTuple):
    """Many strings as symbols.

    Attributes:
        sequences: the strings as indices into `symbols`.
        symbols: the distinct symbols in code point order.
    """

    sequences: Sequences
    symbols: list[str]


def cut_all(strings: Iterable[str], cutting: Cutting) -> Tokenized:
    """Tokenize strings."""
    if cutting.plain:
        return _cut_into_characters(Texts.of(strings))
    numbers: dict[str, int] = {}
    flat: list[int] = []
    lengths = []
    for string in strings:
        cut = cutting.cut(string)
        flat.extend([numbers.setdefault(symbol, len(numbers)) for symbol in cut])
        lengths.append(len(cut))
    symbols = sorted(numbers)
    place = np.empty(len(symbols), fitting(len(symbols)))
    place[[numbers[symbol] for symbol in symbols]] = np.arange(len(symbols))
    return Tokenized(Sequences(place[np.array(flat, np.intp)], _offsets(lengths)), symbols)


def _cut_into_characters(texts: Texts) -> Tokenized:
    """Tokenize into characters, a block of strings at a time."""
    counts = np.zeros(CODE_POINTS, np.int64)
    for codes, _ in texts.code_points():
        found = np.bincount(codes)
        counts[: len(found)] += found
    present = np.flatnonzero(counts)
    place = np.zeros(CODE_POINTS, fitting(len(present)))
    place[present] = np.arange(len(present))
    flat, lengths, done, row = np.empty(counts.sum(), place.dtype), np.empty(len(texts), np.int64), 0, 0
    for codes, numbers in texts.code_points():
        flat[done : done + len(codes)] = place[codes]
        lengths[row : row + len(numbers)] = numbers
        done, row = done + len(codes), row + len(numbers)
    return Tokenized(Sequences(flat, _offsets(lengths)), [chr(code) for code in present.tolist()])


def fitting(symbols: int) -> np.dtype[np.unsignedinteger]:
    """The smallest dtype for ids below `symbols`."""
    return np.min_scalar_type(max(symbols - 1, 0))


def _offsets(lengths: Sequence[int] | Array) -> Array:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])

"""A compact sequence of strings."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, overload

import numpy as np

from henkan.text.arrays import Array

CHUNK_ROWS = 1 << 17


class Texts(Sequence[str]):
    """Strings in one UTF-8 buffer: about the size of their file, a quarter of a list of strings.

    Args:
        data: (bytes,) uint8; an unpaired surrogate is encoded like a character.
        offsets: (n + 1,) int64; string k is `data[offsets[k]:offsets[k + 1]]`.
    """

    def __init__(self, data: Array, offsets: Array) -> None:
        self.data, self.offsets = data, offsets

    @classmethod
    def of(cls, strings: Iterable[str]) -> Texts:
        """Create texts from strings; texts are returned unchanged."""
        if isinstance(strings, Texts):
            return strings
        writer = TextsWriter()
        for string in strings:
            writer.add(string)
        return writer.texts()

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @overload
    def __getitem__(self, place: int) -> str: ...

    @overload
    def __getitem__(self, place: slice) -> list[str]: ...

    def __getitem__(self, place: int | slice) -> str | list[str]:
        if isinstance(place, slice):
            return list(self.take(np.arange(*place.indices(len(self)))))
        place = range(len(self))[place]
        return _text(self.data[self.offsets[place] : self.offsets[place + 1]].tobytes())

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self), CHUNK_ROWS):
            ends = self.offsets[start : start + CHUNK_ROWS + 1]
            part, places = self.data[ends[0] : ends[-1]].tobytes(), (ends - ends[0]).tolist()
            for begin, end in pairwise(places):
                yield _text(part[begin:end])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Texts({self[:10]}{', ...' if len(self) > 10 else ''})"

    def take(self, rows: Array) -> Texts:
        """The strings in the given rows."""
        rows = np.asarray(rows, np.int64)
        starts, lengths = self.offsets[rows], self.offsets[rows + 1] - self.offsets[rows]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        data = np.empty(offsets[-1], np.uint8)
        for first in range(0, len(rows), CHUNK_ROWS):
            part = slice(first, first + CHUNK_ROWS)
            begin, end = offsets[first], offsets[min(first + CHUNK_ROWS, len(rows))]
            data[begin:end] = self.data[
                np.repeat(starts[part] - offsets[:-1][part], lengths[part]) + np.arange(begin, end)
            ]
        return Texts(data, offsets)

    def code_points(self) -> Iterator[tuple[Array, Array]]:
        """Blocks of strings as code points: all of a block in one uint32 vector, and the number in each string."""
        for start in range(0, len(self), CHUNK_ROWS):
            ends = self.offsets[start : start + CHUNK_ROWS + 1]
            part = self.data[ends[0] : ends[-1]]
            codes = np.frombuffer(_text(part.tobytes()).encode("utf-32-le", "surrogatepass"), np.uint32)
            before = np.concatenate([[0], np.cumsum((part & 0xC0) != 0x80)])  # first bytes of characters
            yield codes, np.diff(before[ends - ends[0]])

    def padded(self) -> int:
        """The number of strings that begin or end with a space, ASCII or ideographic."""
        first, last = self.offsets[:-1], self.offsets[1:]
        found = np.zeros(len(self), bool)
        for space in (b" ", "\u3000".encode()):
            rows = np.flatnonzero(last - first >= len(space))
            for begin in (first[rows], last[rows] - len(space)):
                found[rows] |= np.all([self.data[begin + k] == byte for k, byte in enumerate(space)], axis=0)
        return int(found.sum())

    def hashes(self, normalize: Callable[[str], str] | None = None) -> Array:
        """(n,) int64: a hash of every string after normalization, stable within this process."""
        strings: Iterable[str] = self if normalize is None else map(normalize, self)
        return np.fromiter(map(hash, strings), np.int64, count=len(self))


class TextsWriter:
    """Collects strings one at a time."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._ends: array[Any] = array("q", [0])

    def add(self, string: str) -> None:
        """Append a string."""
        self._data += string.encode("utf-8", "surrogatepass")
        self._ends.append(len(self._data))

    def texts(self) -> Texts:
        """The strings that were added."""
        return Texts(np.frombuffer(self._data, np.uint8), np.frombuffer(self._ends, np.int64))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")

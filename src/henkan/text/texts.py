"""A compact sequence of strings."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, overload

import numpy as np

from henkan.text.arrays import Array

CHUNK_ROWS = 1 << 17


def code_points(strings: Sequence[str]) -> Iterator[tuple[Array, Array]]:
    """Yield blocks of strings as code points; see `Texts.code_points`, which is faster for texts."""
    if isinstance(strings, Texts):
        yield from strings.code_points()
        return
    for start in range(0, len(strings), CHUNK_ROWS):
        block = strings[start : start + CHUNK_ROWS]
        codes = np.frombuffer("".join(block).encode("utf-32-le", "surrogatepass"), np.uint32)
        yield codes, np.fromiter(map(len, block), np.int64, len(block))


class Texts(Sequence[str]):
    """Strings in one UTF-8 buffer, which takes about a quarter of the memory of a list of strings.

    Args:
        data: (number of bytes,) uint8, the UTF-8 text; an unpaired surrogate is encoded like any character.
        offsets: (n + 1,) int64; string k is `data[offsets[k]:offsets[k + 1]]`.
    """

    def __init__(self, data: Array, offsets: Array) -> None:
        self.data, self.offsets = data, offsets

    @classmethod
    def of(cls, strings: Iterable[str]) -> Texts:
        """Create texts from strings. If `strings` are texts already, they are returned."""
        if isinstance(strings, Texts):
            return strings
        writer = TextsWriter()
        for string in strings:
            writer.add(string)
        return writer.texts()

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return list(self.take(np.arange(*index.indices(len(self)))))
        index = range(len(self))[index]
        return _text(self.data[self.offsets[index] : self.offsets[index + 1]].tobytes())

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self), CHUNK_ROWS):
            ends = self.offsets[start : start + CHUNK_ROWS + 1]
            part, offsets = self.data[ends[0] : ends[-1]].tobytes(), (ends - ends[0]).tolist()
            for begin, end in pairwise(offsets):
                yield _text(part[begin:end])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Texts({self[:10]}{', ...' if len(self) > 10 else ''})"

    def take(self, rows: Array) -> Texts:
        """Return the strings in the given rows."""
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
        """Yield blocks of strings as code points.

        Yields:
            (code points,) uint32, those of all strings of the block; and (strings,) the number of code points of each.
        """
        for start in range(0, len(self), CHUNK_ROWS):
            ends = self.offsets[start : start + CHUNK_ROWS + 1]
            part = self.data[ends[0] : ends[-1]]
            codes = np.frombuffer(_text(part.tobytes()).encode("utf-32-le", "surrogatepass"), np.uint32)
            before = np.concatenate([[0], np.cumsum((part & 0xC0) != 0x80)])  # first bytes of characters
            yield codes, np.diff(before[ends - ends[0]])

    def padded(self) -> int:
        """Count the strings that begin or end with an ASCII or ideographic space."""
        first, last = self.offsets[:-1], self.offsets[1:]
        found = np.zeros(len(self), bool)
        for space in (b" ", "\u3000".encode()):
            rows = np.flatnonzero(last - first >= len(space))
            for begin in (first[rows], last[rows] - len(space)):
                found[rows] |= np.all([self.data[begin + k] == byte for k, byte in enumerate(space)], axis=0)
        return int(found.sum())

    def hashes(self, normalize: Callable[[str], str] | None = None) -> Array:
        """Return a hash of every string after normalization: (n,) int64. It differs between processes."""
        strings: Iterable[str] = self if normalize is None else map(normalize, self)
        return np.fromiter(map(hash, strings), np.int64, count=len(self))


class TextsWriter:
    """Builds `Texts` from strings that are added one at a time."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._ends: array[Any] = array("q", [0])

    def add(self, string: str) -> None:
        """Append a string."""
        self._data += string.encode("utf-8", "surrogatepass")
        self._ends.append(len(self._data))

    def texts(self) -> Texts:
        """Return the strings that were added."""
        return Texts(np.frombuffer(self._data, np.uint8), np.frombuffer(self._ends, np.int64))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")

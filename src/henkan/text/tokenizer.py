"""Split strings into symbols, and join symbols to strings."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import NamedTuple

import numpy as np

from henkan.config import ModelConfig, Normalization
from henkan.errors import SettingsError
from henkan.text.arrays import Array
from henkan.text.texts import Texts

TAG = "\t"
"""Separates the text of a source from its features, and is the first character of every symbol for a feature tag."""

TAG_SEPARATOR = ";"

CODE_POINTS = 0x110000


@dataclass(frozen=True)
class Tokenizer:
    """The tokenizer of the sources or of the targets.

    Attributes:
        unit: "characters"; "graphemes" (Unicode's extended grapheme clusters, such as a letter with its accents); or
            the separator between symbols, such as the space in `k a ɡ`.
        normalization: Unicode normalization form, applied before splitting.
        features: whether a tab and feature tags separated by semicolons may follow the text: `walk TAB V;PST`.
            Each tag is one symbol, distinct from every character.
    """

    unit: str = "characters"
    normalization: Normalization = "none"
    features: bool = False

    def __post_init__(self) -> None:
        if self.unit == "graphemes" and find_spec("regex") is None:
            raise SettingsError("splitting into graphemes requires the package regex; pip install 'henkan[graphemes]'")

    @property
    def plain(self) -> bool:
        """Whether the symbols are characters, without normalization or features."""
        return self == Tokenizer()

    @property
    def separator(self) -> str | None:
        """The separator between symbols, or None for characters and graphemes."""
        return None if self.unit in ("characters", "graphemes") else self.unit

    def normalize(self, string: str) -> str:
        """Normalize a string, and reduce repeated separators to one."""
        if self.normalization != "none":
            string = unicodedata.normalize(self.normalization, string)
        if self.separator is None or self.features:
            return string
        return self.separator.join(symbol for symbol in string.split(self.separator) if symbol)

    def tokenize(self, string: str) -> Sequence[str]:
        """Split a string into symbols; feature tags come first."""
        if not self.features:
            return self._tokenize(string)
        text, _, tags = string.partition(TAG)
        return [*(TAG + tag for tag in tags.split(TAG_SEPARATOR) if tag), *self._tokenize(text)]

    def _tokenize(self, text: str) -> Sequence[str]:
        if self.normalization != "none":
            text = unicodedata.normalize(self.normalization, text)
        if self.separator is not None:
            return [symbol for symbol in text.split(self.separator) if symbol]
        if self.unit == "graphemes":
            import regex

            return [str(cluster) for cluster in regex.findall(r"\X", text)]
        return text

    def join(self, symbols: Iterable[str]) -> str:
        """Join symbols into a normalized string."""
        string = (self.separator or "").join(symbols)
        return string if self.normalization == "none" else unicodedata.normalize(self.normalization, string)

    def is_tag(self, symbol: str) -> bool:
        """Whether a symbol is a feature tag."""
        return self.features and symbol.startswith(TAG) and len(symbol) > 1

    def is_symbol(self, symbol: object) -> bool:
        """Whether a value is a possible symbol."""
        if not isinstance(symbol, str) or not symbol:
            return False
        if self.is_tag(symbol):
            return TAG_SEPARATOR not in symbol
        if self.separator is not None:
            return self.separator not in symbol
        return self.unit == "graphemes" or len(symbol) == 1


def tokenizers(model: ModelConfig) -> tuple[Tokenizer, Tokenizer]:
    """Create the tokenizers of sources and targets."""
    return (
        Tokenizer(model.source_symbols, model.source_normalization, model.features),
        Tokenizer(model.target_symbols or "characters", model.target_normalization),
    )


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
        flat = np.fromiter((id for string in strings for id in string), smallest_dtype(symbols), count=int(offsets[-1]))
        return cls(flat, offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def lengths(self, rows: Array | slice = slice(None)) -> Array:
        """Return the lengths, in symbols, of the given rows or of all."""
        return self.offsets[1:][rows] - self.offsets[:-1][rows]

    def padded(self, rows: Array, *, reverse: bool = False) -> tuple[Array, Array]:
        """Return the given rows as a padded batch.

        Args:
            rows: (N,) rows.
            reverse: whether to reverse each string.

        Returns:
            ids (T, N), with zeros after the end of a string; and the mask of valid ids (T, N).
        """
        starts, lengths = self.offsets[rows], self.lengths(rows)
        steps = np.arange(lengths.max(initial=0))[:, None]
        valid = steps < lengths
        positions = starts + (lengths - 1 - steps if reverse else steps)
        ids = np.zeros(valid.shape, np.intp)
        ids[valid] = self.flat[positions[valid]]
        return ids, valid

    def ended(self, id: int) -> Sequences:
        """Return a copy with an id appended to each string."""
        return Sequences(np.insert(self.flat, self.offsets[1:], id), self.offsets + np.arange(len(self.offsets)))

    def emptied(self, rows: Array) -> Sequences:
        """Return a copy in which the rows of a mask are empty."""
        lengths = self.lengths()
        return Sequences(self.flat[np.repeat(~rows, lengths)], _offsets(np.where(rows, 0, lengths)))

    def filled(self, width: int, id: int) -> Sequences:
        """Return a copy in which every string is padded with `id` to the length `width`."""
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


def tokenize(strings: Iterable[str], tokenizer: Tokenizer) -> Tokenized:
    """Tokenize strings."""
    if tokenizer.plain:
        return _tokenize_characters(Texts.of(strings))
    indices: dict[str, int] = {}
    flat: list[int] = []
    lengths = []
    for string in strings:
        tokens = tokenizer.tokenize(string)
        flat.extend([indices.setdefault(symbol, len(indices)) for symbol in tokens])
        lengths.append(len(tokens))
    symbols = sorted(indices)
    rank = np.empty(len(symbols), smallest_dtype(len(symbols)))
    rank[[indices[symbol] for symbol in symbols]] = np.arange(len(symbols))
    return Tokenized(Sequences(rank[np.array(flat, np.intp)], _offsets(lengths)), symbols)


def _tokenize_characters(texts: Texts) -> Tokenized:
    """Tokenize into characters, a block of strings at a time."""
    counts = np.zeros(CODE_POINTS, np.int64)
    for codes, _ in texts.code_points():
        found = np.bincount(codes)
        counts[: len(found)] += found
    present = np.flatnonzero(counts)
    rank = np.zeros(CODE_POINTS, smallest_dtype(len(present)))
    rank[present] = np.arange(len(present))
    flat, lengths, done, row = np.empty(counts.sum(), rank.dtype), np.empty(len(texts), np.int64), 0, 0
    for codes, numbers in texts.code_points():
        flat[done : done + len(codes)] = rank[codes]
        lengths[row : row + len(numbers)] = numbers
        done, row = done + len(codes), row + len(numbers)
    return Tokenized(Sequences(flat, _offsets(lengths)), [chr(code) for code in present.tolist()])


def smallest_dtype(symbols: int) -> np.dtype[np.unsignedinteger]:
    """Return the smallest dtype for ids below `symbols`."""
    return np.min_scalar_type(max(symbols - 1, 0))


def _offsets(lengths: Sequence[int] | Array) -> Array:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])

"""Split strings into symbols, and join symbols to strings."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import chain
from typing import NamedTuple

import numpy as np

from henkan.config import WORDED_UNITS, Case, ModelConfig, Normalization
from henkan.errors import SettingsError
from henkan.text.arrays import Array
from henkan.text.texts import Texts, code_points

TAG = "\t"
"""Separates the text of a source from its features, and is the first character of every symbol for a feature tag."""

DEFAULT_TAG_SEPARATOR = ";"


@dataclass(frozen=True)
class Tokenizer:
    """The tokenizer of the sources or of the targets.

    Attributes:
        unit: "characters"; "graphemes" (Unicode's extended grapheme clusters, such as a letter with its accents); or
            the separator between symbols, such as the space in `k a ɡ`.
        normalization: Unicode normalization form, applied before splitting.
        case: "lower" or "upper": convert the text to this case before splitting. It may change the number of symbols:
            `ß` in upper case is `SS`. "keep": do not convert it.
        features: whether a tab and feature tags may follow the text: `walk TAB V;PST`. Each tag is one symbol, distinct
            from every character.
        tag_separator: separator between feature tags.
        sort_tags: whether tags are a set: sorted, without repeated tags and without whitespace around them. Otherwise
            they are read as given.
    """

    unit: str = "characters"
    normalization: Normalization = "none"
    case: Case = "keep"
    features: bool = False
    tag_separator: str = DEFAULT_TAG_SEPARATOR
    sort_tags: bool = False

    def __post_init__(self) -> None:
        if self.unit == "graphemes" and find_spec("regex") is None:
            raise SettingsError("splitting into graphemes requires the package regex; pip install 'henkan[graphemes]'")

    @property
    def plain(self) -> bool:
        """Whether the symbols are the characters of the string as given."""
        return (self.unit, self.normalization, self.case, self.features) == ("characters", "none", "keep", False)

    @property
    def separator(self) -> str | None:
        """The separator between symbols, or None for characters and graphemes."""
        return None if self.unit in WORDED_UNITS else self.unit

    def text(self, string: str) -> str:
        """Return the text of a source, without its feature tags."""
        return string.partition(TAG)[0] if self.features else string

    def tags(self, string: str) -> tuple[str, ...]:
        """Return the feature tags of a source, in the order in which they are read."""
        if not self.features:
            return ()
        tags = string.partition(TAG)[2].split(self.tag_separator)
        if not self.sort_tags:
            return tuple(tag for tag in tags if tag)
        return tuple(sorted({tag.strip() for tag in tags} - {""}))

    def normalize(self, string: str) -> str:
        """Convert a string to a form that is the same for all strings that are read alike."""
        text, tab, tags = string.partition(TAG) if self.features else (string, "", "")
        if self.sort_tags:
            tags = self.tag_separator.join(self.tags(string))
            tab = TAG if tags else ""
        text = self._converted(text)
        if self.separator is not None:
            text = self.separator.join(symbol for symbol in text.split(self.separator) if symbol)
        return text + tab + tags

    def tokenize(self, string: str) -> Sequence[str]:
        """Split a string into symbols; feature tags come first."""
        if not self.features:
            return self._tokenize(string)
        return [*(TAG + tag for tag in self.tags(string)), *self._tokenize(self.text(string))]

    def _converted(self, text: str) -> str:
        """Convert a text to the Unicode form and case of the model."""
        if self.normalization != "none":
            text = unicodedata.normalize(self.normalization, text)
        if self.case != "keep":
            text = text.lower() if self.case == "lower" else text.upper()
            if self.normalization != "none":  # a letter in another case may be in another form
                text = unicodedata.normalize(self.normalization, text)
        return text

    def _tokenize(self, text: str) -> Sequence[str]:
        text = self._converted(text)
        if self.separator is not None:
            return [symbol for symbol in text.split(self.separator) if symbol]
        if self.unit == "graphemes":
            import regex

            return [str(cluster) for cluster in regex.findall(r"\X", text)]
        return text

    def join(self, symbols: Iterable[str]) -> str:
        """Join symbols into a normalized string. Feature tags, which come first, follow the text and a tab."""
        if self.features:
            symbols = list(symbols)
            tags = [symbol[len(TAG) :] for symbol in symbols if self.is_tag(symbol)]
            text = self._join(symbol for symbol in symbols if not self.is_tag(symbol))
            return text + (TAG + self.tag_separator.join(tags) if tags else "")
        return self._join(symbols)

    def _join(self, symbols: Iterable[str]) -> str:
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
            return self.tag_separator not in symbol
        if self.separator is not None:
            return self.separator not in symbol
        return self.unit == "graphemes" or len(symbol) == 1


def tokenizers(model: ModelConfig) -> tuple[Tokenizer, Tokenizer]:
    """Create the tokenizers of sources and targets."""
    source = Tokenizer(
        unit=model.source_symbols,
        normalization=model.source_normalization,
        case=model.source_case,
        features=model.features,
        tag_separator=model.tag_separator or DEFAULT_TAG_SEPARATOR,
        sort_tags=model.features and model.sort_tags,
    )
    return source, Tokenizer(model.target_symbols or "characters", model.target_normalization)


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
        flat = np.fromiter(chain.from_iterable(strings), smallest_dtype(symbols), count=int(offsets[-1]))
        return cls(flat, offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> Array:
        return self.flat[self.offsets[index] : self.offsets[index + 1]]

    def take(self, rows: Array) -> Sequences:
        """Return the given rows."""
        lengths = self.lengths(rows)
        offsets = _offsets(lengths)
        positions = np.repeat(self.offsets[:-1][rows] - offsets[:-1], lengths) + np.arange(offsets[-1])
        return Sequences(self.flat[positions], offsets)

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

    def reversed(self) -> Sequences:
        """Return a copy in which each string is reversed."""
        starts, lengths = self.offsets[:-1], self.lengths()
        last = np.repeat(2 * starts + lengths - 1, lengths)
        return Sequences(self.flat[last - np.arange(len(self.flat))], self.offsets)

    def ended(self, id: int) -> Sequences:
        """Return a copy with an id appended to each string."""
        return Sequences(np.insert(self.flat, self.offsets[1:], id), self.offsets + np.arange(len(self.offsets)))

    def emptied(self, rows: Array) -> Sequences:
        """Return a copy in which the rows of a mask are empty."""
        lengths = self.lengths()
        return Sequences(self.flat[np.repeat(~rows, lengths)], _offsets(np.where(rows, 0, lengths)))

    def after_last(self, ids: Array) -> Sequences:
        """Return a copy in which each string starts after its last id of a mask (V,)."""
        if not ids.any():
            return self
        found, starts = np.flatnonzero(ids[self.flat]), self.offsets[:-1].copy()
        np.maximum.at(starts, np.searchsorted(self.offsets, found, side="right") - 1, found + 1)
        lengths = self.offsets[1:] - starts
        kept = np.arange(len(self.flat)) >= np.repeat(starts, self.lengths())
        return Sequences(self.flat[kept], _offsets(lengths))

    def filled(self, width: int, id: int) -> Sequences:
        """Return a copy in which every string is padded with `id` to the length `width`."""
        flat = np.full((len(self), width), id, self.flat.dtype)
        flat[np.arange(width) < self.lengths()[:, None]] = self.flat
        return Sequences(flat.reshape(-1), np.arange(len(self) + 1) * width)


def concatenated(parts: Iterable[Sequences]) -> Sequences:
    """Concatenate lists of strings of ids."""
    each = list(parts)
    flat = np.concatenate([part.flat for part in each])
    return Sequences(flat, _offsets(np.concatenate([part.lengths() for part in each])))


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
        return _tokenize_characters(strings if isinstance(strings, list) else Texts.of(strings))
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


def _tokenize_characters(texts: Sequence[str]) -> Tokenized:
    """Tokenize into characters, a block of strings at a time."""
    counts = np.zeros(0, np.int64)
    for codes, _ in code_points(texts):
        found = np.bincount(codes, minlength=len(counts))
        found[: len(counts)] += counts
        counts = found
    present = np.flatnonzero(counts)
    rank = np.zeros(len(counts), smallest_dtype(len(present)))
    rank[present] = np.arange(len(present))
    flat, lengths, done, row = np.empty(counts.sum(), rank.dtype), np.empty(len(texts), np.int64), 0, 0
    for codes, numbers in code_points(texts):
        flat[done : done + len(codes)] = rank[codes]
        lengths[row : row + len(numbers)] = numbers
        done, row = done + len(codes), row + len(numbers)
    return Tokenized(Sequences(flat, _offsets(lengths)), [chr(code) for code in present.tolist()])


def smallest_dtype(symbols: int) -> np.dtype[np.unsignedinteger]:
    """Return the smallest dtype for ids below `symbols`."""
    return np.min_scalar_type(max(symbols - 1, 0))


def _offsets(lengths: Sequence[int] | Array) -> Array:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])

"""The contexts of symbols in sources: n-grams, and combinations of feature tags."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from henkan.text.arrays import Array
from henkan.text.tokenizer import TAG, Tokenizer

ORDERS = (1, 2, 3)
"""Lengths of the n-grams."""

SHOWN_EDGE = "#"
"""Stands for the beginning and the end of a text in the name of a context."""

_EDGE = ""  # no symbol is empty

_Context = tuple[str, ...]


@dataclass(frozen=True)
class Contexts:
    """The distinct contexts of each of n sources.

    Attributes:
        flat: the contexts of all sources, concatenated, as numbers from 0; those of a source are distinct.
        offsets: (n + 1,) source k has the contexts `flat[offsets[k]:offsets[k + 1]]`.
        symbols: (contexts,) the symbols of each context; "" is the beginning or the end of a text.
        separator: separator between symbols in names.
    """

    flat: Array
    offsets: Array
    symbols: Sequence[_Context]
    separator: str = ""

    @classmethod
    def of(cls, sources: Sequence[str], tokenizer: Tokenizer) -> Contexts:
        """Find the contexts of sources.

        They are the n-grams of one to three symbols; the beginning and the end of a text count as symbols. In sources
        with tags, they are also each tag, all tags together, and all tags together with the last symbols of the text,
        on which an inflected form depends.
        """
        index: dict[_Context, int] = {}
        flat: list[int] = []
        offsets = [0]
        for source in sources:
            flat.extend(sorted({index.setdefault(each, len(index)) for each in _contexts(source, tokenizer)}))
            offsets.append(len(flat))
        return cls(np.array(flat, np.int64), np.array(offsets, np.int64), [*index], tokenizer.separator or "")

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> Array:
        return self.flat[self.offsets[row] : self.offsets[row + 1]]

    @property
    def rows(self) -> Array:
        """The source of each entry of `flat`."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    def counts(self, rows: slice) -> Array:
        """Return the number of sources in some rows that have each context, (contexts,)."""
        start, end, _ = rows.indices(len(self))
        return np.bincount(self.flat[self.offsets[start] : self.offsets[end]], minlength=len(self.symbols))

    def take(self, rows: slice) -> Contexts:
        """Return the contexts of some consecutive sources, with the same numbers."""
        start, end, _ = rows.indices(len(self))
        offsets = self.offsets[start : end + 1]
        return Contexts(self.flat[offsets[0] : offsets[-1]], offsets - offsets[0], self.symbols, self.separator)

    def name(self, context: int) -> str:
        """Return a readable form of a context, such as `#sc` for the beginning of a text."""
        symbols = self.symbols[context]
        text = self.separator.join(each or SHOWN_EDGE for each in symbols if not _is_tag(each))
        return " ".join([*([text] if text else []), *(each[len(TAG) :] for each in symbols if _is_tag(each))])


def _contexts(source: str, tokenizer: Tokenizer) -> Iterator[_Context]:
    symbols = tokenizer.tokenize(source)
    tags = tuple(each for each in symbols if tokenizer.is_tag(each))  # they come first
    text = (_EDGE, *symbols[len(tags) :], _EDGE)
    for order in ORDERS:
        for start in range(len(text) - order + 1):
            context = text[start : start + order]
            if any(context):
                yield context
    if tags:
        yield from ((tag,) for tag in tags)
        yield tags
        for order in ORDERS:
            yield (*tags, *text[-order - 1 :])


def _is_tag(symbol: str) -> bool:
    return symbol.startswith(TAG) and len(symbol) > 1

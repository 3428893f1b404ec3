"""The mapping between symbols and ids."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from henkan.errors import ModelFolderError, UnanswerableError
from henkan.text.arrays import Array
from henkan.text.texts import Texts
from henkan.text.tokenizer import TAG, Sequences, Tokenized, Tokenizer, smallest_dtype, tokenize

BOUNDARY = 0
"""Target id that marks the beginning and the end of a target."""

UNKNOWN = 0
"""Source id of all symbols that are not in the vocabulary. During training, it replaces random symbols."""

FILLER = " "

NO_OTHERS: Mapping[str, int] = {}

MAX_SYMBOLS = 2**20
"""Maximum length of a string in a pair file. A saved vocabulary may not have more: decoding would hardly end."""


class Vocabulary:
    """The symbols of one side of the pairs, in code point order.

    In a target vocabulary, id 0 is the boundary: the begin symbol as the decoder's first input, and the end symbol as
    its output. In a source vocabulary, id 0 may be the unknown symbol. With a `width`, as in the book, strings are
    padded with spaces to that length; then there is no end symbol and no unknown symbol, and the space is an ordinary
    symbol.

    Attributes:
        symbols: the symbols.
        boundary: whether id 0 is the boundary.
        unknown: whether id 0 is the unknown symbol. `boundary` and `unknown` cannot both be True.
        longest: length in symbols of the longest string of the training pairs.
        width: length in symbols to which strings are padded, or None.
        tokenizer: the tokenizer.
    """

    def __init__(
        self,
        symbols: Sequence[str],
        *,
        boundary: bool,
        longest: int,
        unknown: bool = False,
        width: int | None = None,
        tokenizer: Tokenizer = Tokenizer(),  # noqa: B008  (immutable)
    ) -> None:
        self.tokenizer = tokenizer
        self.symbols = tuple(symbols)
        self.boundary = boundary
        self.unknown = unknown
        self.longest = longest
        self.width = width
        self._first = 1 if boundary or unknown else 0
        self._ids = {symbol: id for id, symbol in enumerate(self.symbols, start=self._first)}

    @classmethod
    def of(
        cls,
        strings: Iterable[str],
        *,
        boundary: bool,
        unknown: bool = False,
        fill: bool = False,
        tokenizer: Tokenizer = Tokenizer(),  # noqa: B008
    ) -> Vocabulary:
        """Create a vocabulary from training strings."""
        return cls.from_tokens(tokenize(strings, tokenizer), tokenizer, boundary=boundary, unknown=unknown, fill=fill)

    @classmethod
    def from_tokens(
        cls, tokenized: Tokenized, tokenizer: Tokenizer, *, boundary: bool, unknown: bool = False, fill: bool = False
    ) -> Vocabulary:
        """Create a vocabulary from tokenized training strings."""
        symbols, longest = set(tokenized.symbols), int(tokenized.sequences.lengths().max(initial=0))
        if fill:
            symbols.add(FILLER)
        width = longest if fill else None
        return cls(
            sorted(symbols),
            boundary=boundary,
            longest=longest,
            unknown=unknown and not fill,
            width=width,
            tokenizer=tokenizer,
        )

    def joined(self, other: Vocabulary) -> Vocabulary:
        """Return the union with another vocabulary that has the same tokenizer."""
        longest = max(self.longest, other.longest)
        return Vocabulary(
            sorted({*self.symbols, *other.symbols}),
            boundary=self.boundary,
            longest=longest,
            unknown=self.unknown,
            width=None if self.width is None else longest,
            tokenizer=self.tokenizer,
        )

    def positions_in(self, other: Vocabulary) -> list[int]:
        """Return, for each id of this vocabulary, the id of the same symbol in a larger vocabulary."""
        return [*range(self._first), *(other._ids[symbol] for symbol in self.symbols)]

    def __len__(self) -> int:
        return self._first + len(self.symbols)

    @property
    def symbols_by_id(self) -> list[str]:
        """The symbol of each id; "" for the boundary and the unknown symbol."""
        return [*[""] * self._first, *self.symbols]

    def ids_in(self, other: Vocabulary) -> Array:
        """(V,) id of the same symbol in another vocabulary for each id of this one, -1 if it is not there."""
        return np.array([other.id_of(symbol) for symbol in self.symbols_by_id], int)

    @property
    def is_tag(self) -> Array:
        """(V,) whether each id is a feature tag."""
        return np.array([self.tokenizer.is_tag(symbol) for symbol in self.symbols_by_id], bool)

    @property
    def tag_ids(self) -> list[int]:
        """Ids of the feature tags."""
        ids: list[int] = np.flatnonzero(self.is_tag).tolist()
        return ids

    def encode(
        self, string: str, index: int = 0, *, use_unknown: bool = False, others: Mapping[str, int] = NO_OTHERS
    ) -> list[int]:
        """Encode a string as ids, without the boundary.

        Args:
            string: the string.
            index: its position in a list of strings, for the error message.
            use_unknown: whether to encode symbols outside the vocabulary as the unknown symbol, if there is one.
            others: ids of symbols outside the vocabulary.

        Raises:
            UnanswerableError: for a symbol outside the vocabulary, or a string longer than `width`.
        """
        symbols = self.tokenizer.tokenize(string)
        if self.width is not None:
            if len(symbols) > self.width:
                reason = f"{len(symbols)} symbols (this model reads at most {self.width})"
                raise UnanswerableError(string, index, reason)
            symbols = [*symbols, *[FILLER] * (self.width - len(symbols))]
        if use_unknown and self.unknown:
            return [self._ids.get(symbol, UNKNOWN) for symbol in symbols]
        try:
            ids = ChainMap(self._ids, dict(others)) if others else self._ids
            return [ids[symbol] for symbol in symbols]
        except KeyError:
            raise UnanswerableError(string, index, f"unknown {self.unknown_symbols(string, others)[0]}") from None

    def encode_all(self, strings: Iterable[str]) -> Sequences:
        """Encode many strings at once.

        Raises:
            UnanswerableError: at the first string that `encode` raises it for.
        """
        texts = Texts.of(strings)
        encoded, known = self.encode_known(texts)
        for row in np.flatnonzero(~known)[:1].tolist():
            self.encode(texts[row], row)  # raises the error
        return encoded

    def encode_tokens(self, tokenized: Tokenized) -> Sequences:
        """Encode the strings that the vocabulary was created from.

        Raises:
            KeyError: for a symbol outside the vocabulary.
        """
        ids = np.array([self._ids[symbol] for symbol in tokenized.symbols], smallest_dtype(len(self)))
        encoded = Sequences(ids[tokenized.sequences.flat], tokenized.sequences.offsets)
        return encoded if self.width is None else encoded.filled(self.width, self._ids[FILLER])

    def encode_known(self, strings: Iterable[str], *, use_unknown: bool = False) -> tuple[Sequences, Array]:
        """Encode the strings that can be encoded.

        Returns:
            ids, empty for a string that `encode` raises an error for; and (n,) the mask of the encoded strings.
        """
        sequences, symbols = tokenize(Texts.of(strings), self.tokenizer)
        missing = UNKNOWN if use_unknown and self.unknown else -1
        ids = np.array([self._ids.get(symbol, missing) for symbol in symbols], np.int64)
        known = np.ones(len(sequences), bool) if self.width is None else sequences.lengths() <= self.width
        if (ids < 0).any():
            positions = np.flatnonzero((ids < 0)[sequences.flat])
            known[np.searchsorted(sequences.offsets, positions, side="right") - 1] = False
        if not known.all():
            sequences = sequences.emptied(~known)
        encoded = Sequences(ids.astype(smallest_dtype(len(self)))[sequences.flat], sequences.offsets)
        return encoded if self.width is None else encoded.filled(self.width, self._ids[FILLER]), known

    def unknown_symbols(self, string: str, others: Container[str] = NO_OTHERS) -> list[str]:
        """Return the symbols of a string that are not in the vocabulary, as `symbol 'x'` or `feature 'PST'`.

        Args:
            string: the string.
            others: further symbols that count as known.
        """
        names = []
        for symbol in dict.fromkeys(self.tokenizer.tokenize(string)):
            if symbol not in self._ids and symbol not in others:
                feature = symbol.startswith(TAG) and len(symbol) > 1
                names.append(f"feature {symbol[1:]!r}" if feature else f"symbol {symbol!r}")
        return names

    def decode(self, ids: Iterable[int]) -> str:
        """Decode ids to a string, without boundaries and padding."""
        return self.join(self.symbols_of(ids))

    def symbols_of(self, ids: Iterable[int]) -> list[str]:
        """Return the symbols of ids, without boundaries."""
        return [self.symbols[id - self._first] for id in ids if id >= self._first]

    def join(self, symbols: Iterable[str]) -> str:
        """Join symbols into a string, without padding."""
        string = self.tokenizer.join(symbols)
        return string.rstrip(FILLER) if self.width is not None else string

    def join_all(self, strings: Iterable[Sequence[str]]) -> list[str]:
        """Join the symbols of many strings; see `join`."""
        tokenizer = self.tokenizer
        if self.width is not None or tokenizer.features or tokenizer.normalization != "none":
            return [self.join(symbols) for symbols in strings]
        return [*map((tokenizer.separator or "").join, strings)]  # in one call, which is faster

    def id_of(self, symbol: str) -> int:
        """Return the id of a symbol, or -1."""
        return self._ids.get(symbol, -1)

    def knows(self, symbol: str) -> bool:
        """Whether a symbol is in the vocabulary."""
        return symbol in self._ids

    def to_dict(self) -> dict[str, Any]:
        """Convert the vocabulary to JSON values."""
        return {
            "cut": asdict(self.tokenizer),
            "specials": ["boundary"] if self.boundary else ["unknown"] if self.unknown else [],
            "symbols": list(self.symbols),
            "longest": self.longest,
            "width": self.width,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Vocabulary:
        """Restore a vocabulary from the values of `to_dict`.

        Raises:
            ModelFolderError: if the values are invalid.
        """
        try:
            symbols, specials = values["symbols"], values["specials"]
            longest, width = values["longest"], values["width"]
            tokenizer = Tokenizer(**values["cut"])
            valid = (
                set(values) == {"cut", "specials", "symbols", "longest", "width"}
                and isinstance(symbols, list)
                and all(map(tokenizer.is_symbol, symbols))
                and len(set(symbols)) == len(symbols)
                and specials in ([], ["boundary"], ["unknown"])
                and type(longest) is int
                and 0 <= longest <= MAX_SYMBOLS
                and (width is None or (type(width) is int and width == longest and FILLER in symbols))
            )
        except (KeyError, TypeError):
            valid = False
        if not valid:
            raise ModelFolderError("the vocabulary does not have the format that henkan writes")
        return cls(
            symbols,
            boundary=specials == ["boundary"],
            longest=longest,
            unknown=specials == ["unknown"],
            width=width,
            tokenizer=tokenizer,
        )

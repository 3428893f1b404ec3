"""Which integer stands for which symbol."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from henkan.errors import ModelFolderError, UnanswerableError
from henkan.text.symbols import TAG, Cutting

BOUNDARY = 0
"""The target's id for what stands before its first symbol and after its last."""

FILLER = " "


class Vocabulary:
    """The symbols of one side of the pairs, in code point order.

    A target vocabulary keeps id 0 for the boundary: as the decoder's first input it means "begin", as an
    output "end". With a `width`, strings are filled with spaces to that many symbols instead, the space is
    a symbol like any other, and nothing marks the end (the book's way).

    Attributes:
        symbols: the symbols; those of a target begin at id 1.
        boundary: whether id 0 is the boundary.
        longest: symbols in the longest string that the vocabulary was made from.
        width: symbols to which strings are filled, or None.
        cutting: how a string becomes symbols.
    """

    def __init__(
        self,
        symbols: Sequence[str],
        *,
        boundary: bool,
        longest: int,
        width: int | None = None,
        cutting: Cutting = Cutting(),  # noqa: B008  (it cannot be changed)
    ) -> None:
        self.cutting = cutting
        self.symbols = tuple(symbols)
        self.boundary = boundary
        self.longest = longest
        self.width = width
        self._first = 1 if boundary else 0
        self._ids = {symbol: id for id, symbol in enumerate(self.symbols, start=self._first)}

    @classmethod
    def of(
        cls,
        strings: Iterable[str],
        *,
        boundary: bool,
        fill: bool = False,
        cutting: Cutting = Cutting(),  # noqa: B008
    ) -> Vocabulary:
        """The vocabulary of the strings that a model is trained on."""
        symbols: set[str] = set()
        longest = 0
        for string in strings:
            cut = cutting.cut(string)
            symbols.update(cut)
            longest = max(longest, len(cut))
        if fill:
            symbols.add(FILLER)
        width = longest if fill else None
        return cls(sorted(symbols), boundary=boundary, longest=longest, width=width, cutting=cutting)

    def __len__(self) -> int:
        return self._first + len(self.symbols)

    def encode(self, string: str, index: int = 0) -> list[int]:
        """The ids of a string's symbols (without a boundary).

        Raises:
            UnanswerableError: for a symbol that is not in the vocabulary, or a string longer than `width`;
                it carries `index`, the string's place among its fellows.
        """
        symbols = self.cutting.cut(string)
        if self.width is not None:
            if len(symbols) > self.width:
                reason = f"{len(symbols)} symbols where this model was trained with at most {self.width}"
                raise UnanswerableError(string, index, reason)
            symbols = [*symbols, *[FILLER] * (self.width - len(symbols))]
        try:
            return [self._ids[symbol] for symbol in symbols]
        except KeyError:
            unknown = next(symbol for symbol in symbols if symbol not in self._ids)
            what = "unknown feature" if unknown.startswith(TAG) and len(unknown) > 1 else "unknown symbol"
            raise UnanswerableError(
                string, index, f"{what} {unknown if what == 'unknown symbol' else unknown[1:]!r}"
            ) from None

    def decode(self, ids: Iterable[int]) -> str:
        """The string of some ids, without boundaries and, where strings are filled, without the filling."""
        string = self.cutting.join(self.symbols[id - self._first] for id in ids if id >= self._first)
        return string.rstrip(FILLER) if self.width is not None else string

    def to_dict(self) -> dict[str, Any]:
        """The vocabulary as plain values, for JSON."""
        return {
            "cut": asdict(self.cutting),
            "specials": ["boundary"] if self.boundary else [],
            "symbols": list(self.symbols),
            "longest": self.longest,
            "width": self.width,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Vocabulary:
        """The vocabulary that `to_dict` wrote.

        Raises:
            ModelFolderError: if the values are not such.
        """
        try:
            symbols, specials = values["symbols"], values["specials"]
            longest, width = values["longest"], values["width"]
            cutting = Cutting(**values["cut"])
            sound = (
                set(values) == {"cut", "specials", "symbols", "longest", "width"}
                and isinstance(symbols, list)
                and all(map(cutting.is_symbol, symbols))
                and len(set(symbols)) == len(symbols)
                and specials in ([], ["boundary"])
                and type(longest) is int
                and longest >= 0
                and (width is None or (type(width) is int and width == longest and FILLER in symbols))
            )
        except (KeyError, TypeError):
            sound = False
        if not sound:
            raise ModelFolderError("the vocabulary does not have the form that henkan writes")
        return cls(symbols, boundary=bool(specials), longest=longest, width=width, cutting=cutting)

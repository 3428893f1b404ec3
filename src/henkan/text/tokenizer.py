"""How a string is cut into symbols, and put together again."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from henkan.config import ModelConfig, Normalization
from henkan.errors import SettingsError

TAG = "\t"
"""Stands before the features of a source, and at the head of each symbol that is a feature tag."""

TAG_SEPARATOR = ";"


@dataclass(frozen=True)
class Cutting:
    """How strings of one side become symbols.

    Attributes:
        unit: "characters"; "graphemes", which are what a reader calls a character (Unicode's extended grapheme
            clusters); or a separator that stands between symbols, as the space does in `k a ɡ`.
        normalization: of Unicode, made before anything else.
        features: whether a tab and feature tags with semicolons between them may follow the text: `walk TAB V;PST`.
            The tags are whole symbols, and no tag is taken for a character.
    """

    unit: str = "characters"
    normalization: Normalization = "none"
    features: bool = False

    def __post_init__(self) -> None:
        if self.unit == "graphemes" and find_spec("regex") is None:
            raise SettingsError("cutting into graphemes needs the package regex; install henkan[graphemes]")

    @property
    def plain(self) -> bool:
        """Whether symbols are characters, and nothing else is done."""
        return self == Cutting()

    @property
    def separator(self) -> str | None:
        """What stands between symbols, or None if nothing does."""
        return None if self.unit in ("characters", "graphemes") else self.unit

    def normalize(self, string: str) -> str:
        """The string as the model reads or writes it: normalised, and one separator at a time between symbols."""
        if self.normalization != "none":
            string = unicodedata.normalize(self.normalization, string)
        if self.separator is None or self.features:
            return string
        return self.separator.join(symbol for symbol in string.split(self.separator) if symbol)

    def cut(self, string: str) -> Sequence[str]:
        """The symbols of a string; feature tags come first."""
        if not self.features:
            return self._cut(string)
        text, _, tags = string.partition(TAG)
        return [*(TAG + tag for tag in tags.split(TAG_SEPARATOR) if tag), *self._cut(text)]

    def _cut(self, text: str) -> Sequence[str]:
        if self.normalization != "none":
            text = unicodedata.normalize(self.normalization, text)
        if self.separator is not None:
            return [symbol for symbol in text.split(self.separator) if symbol]
        if self.unit == "graphemes":
            import regex

            return [str(cluster) for cluster in regex.findall(r"\X", text)]
        return text

    def join(self, symbols: Iterable[str]) -> str:
        """The string of some symbols, normalised."""
        string = (self.separator or "").join(symbols)
        return string if self.normalization == "none" else unicodedata.normalize(self.normalization, string)

    def is_tag(self, symbol: str) -> bool:
        """Whether a symbol is a feature tag."""
        return self.features and symbol.startswith(TAG) and len(symbol) > 1

    def is_symbol(self, symbol: object) -> bool:
        """Whether a string could be one of the symbols."""
        if not isinstance(symbol, str) or not symbol:
            return False
        if self.is_tag(symbol):
            return TAG_SEPARATOR not in symbol
        if self.separator is not None:
            return self.separator not in symbol
        return self.unit == "graphemes" or len(symbol) == 1


def cuttings(model: ModelConfig) -> tuple[Cutting, Cutting]:
    """How sources and targets are cut into symbols."""
    return (
        Cutting(model.source_symbols, model.source_normalization, model.features),
        Cutting(model.target_symbols, model.target_normalization),
    )

"""Split strings into symbols and join symbols into strings."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from henkan.config import ModelConfig, Normalization
from henkan.errors import SettingsError

TAG = "\t"
"""Separates a source's text from its features, and prefixes every symbol that is a feature tag."""

TAG_SEPARATOR = ";"


@dataclass(frozen=True)
class Cutting:
    """The tokenizer of one side.

    Attributes:
        unit: "characters"; "graphemes" (Unicode's extended grapheme clusters, what readers perceive as characters); or
            the separator between symbols, such as the space in `k a ɡ`.
        normalization: Unicode normalization form, applied first.
        features: whether a tab and feature tags separated by semicolons may follow the text: `walk TAB V;PST`.
            Each tag is one symbol, distinct from every character.
    """

    unit: str = "characters"
    normalization: Normalization = "none"
    features: bool = False

    def __post_init__(self) -> None:
        if self.unit == "graphemes" and find_spec("regex") is None:
            raise SettingsError("splitting into graphemes needs the package regex; pip install 'henkan[graphemes]'")

    @property
    def plain(self) -> bool:
        """Whether symbols are characters, without normalization or features."""
        return self == Cutting()

    @property
    def separator(self) -> str | None:
        """The separator between symbols, or None."""
        return None if self.unit in ("characters", "graphemes") else self.unit

    def normalize(self, string: str) -> str:
        """Normalize a string, and reduce repeated separators to one."""
        if self.normalization != "none":
            string = unicodedata.normalize(self.normalization, string)
        if self.separator is None or self.features:
            return string
        return self.separator.join(symbol for symbol in string.split(self.separator) if symbol)

    def cut(self, string: str) -> Sequence[str]:
        """Split a string into symbols; feature tags come first."""
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


def cuttings(model: ModelConfig) -> tuple[Cutting, Cutting]:
    """The tokenizers of sources and targets."""
    return (
        Cutting(model.source_symbols, model.source_normalization, model.features),
        Cutting(model.target_symbols, model.target_normalization),
    )

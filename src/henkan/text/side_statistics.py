"""Statistics of the sources or of the targets: lengths, symbols and characters."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from henkan.text.arrays import Array
from henkan.text.counts import counted
from henkan.text.escaping import escape
from henkan.text.texts import CHUNK_ROWS, Texts
from henkan.text.tokenizer import TAG, Sequences, Tokenizer

JOINERS = "\u200c\u200d"
SHORT = 40
"""Strings of up to this many symbols are not reported as too long."""

SYMBOLS_SHOWN = 40
"""Number of symbols in a report."""

RARE = 3
"""A symbol in fewer strings than this is rare: a model can hardly learn it."""


@dataclass(frozen=True)
class Side:
    """Statistics of the sources or of the targets.

    Attributes:
        empty: number of strings without symbols.
        lengths: minimum, median and maximum length in symbols.
        symbols: symbol -> number of occurrences, most frequent first.
        rare: symbols that occur in fewer than `RARE` strings.
        forms: "NFC" or "NFD" -> number of strings in this normalization form and not in the other.
        invisible: name of an invisible character -> number of occurrences.
        padded: number of strings with leading or trailing whitespace.
        longest: row and beginning of the longest string.
        outliers: number of strings that are much longer than nearly all others.
        case: "lower" or "upper" if all letters that have a case are in this case, and the tokenizer keeps it; else
            None.
    """

    empty: int
    lengths: tuple[int, float, int]
    symbols: Mapping[str, int]
    rare: Sequence[str]
    forms: Mapping[str, int]
    invisible: Mapping[str, int]
    padded: int
    longest: tuple[int, str]
    outliers: int
    case: str | None

    @property
    def mixed(self) -> bool:
        """Whether some strings are composed (NFC) and others decomposed (NFD)."""
        return all(self.forms.values())

    def lines(self, name: str) -> list[str]:
        """Return a report as lines.

        Args:
            name: "source" or "target".
        """
        low, median, high = self.lengths
        shown = list(self.symbols.items())[:SYMBOLS_SHOWN]
        rest = len(self.symbols) - len(shown)
        more = f"  and {rest:,} more" if rest else ""
        lines = [
            f"{name}s: {length_range(low, high)}, median {median:g}; {self.empty:,} empty",
            f"    {counted(len(self.symbols), 'distinct symbol')}: "
            + "  ".join(f"{show_symbol(symbol)} {count:,}" for symbol, count in shown)
            + more,
        ]
        if self.rare:
            rare = "  ".join(map(show_symbol, self.rare[:SYMBOLS_SHOWN]))
            lines.append(f"    {counted(len(self.rare), 'rare symbol')}, in fewer than {RARE} strings: {rare}")
        return lines


def length_range(low: int, high: int) -> str:
    """Return the shortest and the longest length in words."""
    return counted(high, "symbol") if low == high else f"{low:,} to {counted(high, 'symbol')}"


def count_strings(sequences: Sequences, wanted: Array, limit: int | None = None) -> tuple[Array, int]:
    """Count the strings that contain each symbol.

    Args:
        sequences: the strings.
        wanted: (symbols,) mask of the symbols to count.
        limit: stop counting a symbol at this number; None: no limit.

    Returns:
        (symbols,) the counts, and the number of strings that contain at least one wanted symbol.
    """
    wanted, counts, strings = wanted.copy(), np.zeros(len(wanted), np.int64), 0
    for start in range(0, len(sequences), CHUNK_ROWS):
        ends = sequences.offsets[start : start + CHUNK_ROWS + 1]
        part = sequences.flat[ends[0] : ends[-1]]
        positions = np.flatnonzero(wanted[part]) if len(wanted) else np.zeros(0, np.int64)
        rows = np.searchsorted(ends - ends[0], positions, side="right") - 1
        found = np.unique(rows * len(wanted) + part[positions])
        counts += np.bincount(found % max(len(wanted), 1), minlength=len(wanted)).astype(np.int64)
        strings += len(np.unique(found // max(len(wanted), 1)))
        if limit is not None:
            wanted &= counts < limit
    return counts, strings


def ranked(counts: Mapping[str, int]) -> dict[str, int]:
    """Sort by count, most frequent first."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def side_statistics(texts: Texts, sequences: Sequences, symbols: Sequence[str], tokenizer: Tokenizer) -> Side:
    """Compute the statistics of tokenized strings."""
    lengths, counts = sequences.lengths(), np.bincount(sequences.flat, minlength=len(symbols)).tolist()
    strings, _ = count_strings(sequences, np.ones(len(symbols), bool), RARE)
    return Side(
        empty=int((lengths == 0).sum()),
        lengths=(int(lengths.min()), float(np.median(lengths)), int(lengths.max())) if len(lengths) else (0, 0.0, 0),
        symbols=ranked(dict(zip(symbols, counts, strict=True))),
        rare=[symbol for symbol, count in zip(symbols, strings.tolist(), strict=True) if count < RARE],
        forms=_forms(texts, sequences, symbols, tokenizer),
        invisible=_invisible(symbols, counts, tokenizer),
        padded=texts.padded(),
        longest=_longest(texts, lengths),
        outliers=_outliers(lengths),
        case=_single_case(symbols, tokenizer),
    )


def _invisible(symbols: Sequence[str], counts: Sequence[int], tokenizer: Tokenizer) -> dict[str, int]:
    """Count the invisible characters, without joiners if the script may need them, as emoji and Persian do.

    Text in a wrong encoding, which has C1 controls, is reported elsewhere.
    """
    found: Counter[str] = Counter()
    characters = {character for symbol in symbols for character in symbol}
    ignored = JOINERS if any(map(_joins, characters)) else ""
    if any("\x80" <= character <= "\x9f" for character in characters):
        ignored += "\xa0\xad"
    for symbol, count in zip(symbols, counts, strict=True):
        text = symbol.replace(TAG, "") if tokenizer.features else symbol
        for character in text:
            if character not in ignored and _is_invisible(character):
                found[_name(character)] += count
    return ranked(found)


def _joins(character: str) -> bool:
    """Whether a character is an emoji, or a letter of a script between Arabic and Mongolian, apart from some."""
    if "\u10a0" <= character < "\u1200":  # Georgian, and parts of Korean syllables
        return False
    return "\u0600" <= character < "\u1900" or character >= "\U0001f000"


def _longest(texts: Texts, lengths: Array) -> tuple[int, str]:
    if not len(lengths):
        return 0, ""
    row = int(lengths.argmax())
    text = texts[row]
    return row, text if len(text) <= 40 else f"{text[:40]}..."


def _outliers(lengths: Array) -> int:
    """Count the strings that are more than eight times as long as nine tenths of all, and not short."""
    limit = max(SHORT, 8 * float(np.quantile(lengths, 0.9, method="lower"))) if len(lengths) else 0
    return int((lengths > limit).sum())


def _single_case(symbols: Sequence[str], tokenizer: Tokenizer) -> str | None:
    text = "".join(symbol for symbol in symbols if not tokenizer.is_tag(symbol))
    cased = [each for each in text if each.lower() != each or each.title() != each]  # Georgian has no capitals in text
    if tokenizer.case != "keep" or not cased:
        return None
    return "lower" if text == text.lower() else "upper" if text == text.upper() else None


def _forms(texts: Texts, sequences: Sequences, symbols: Sequence[str], tokenizer: Tokenizer) -> dict[str, int]:
    """Count the strings in NFC but not NFD, and in NFD but not NFC; strings without affected characters are in both."""
    forms = {"NFC": 0, "NFD": 0}
    affected = np.array([any(map(_is_affected, symbol)) for symbol in symbols], bool)
    if tokenizer.normalization != "none" or not affected.any():
        return forms
    positions = np.flatnonzero(affected[sequences.flat])
    for row in np.unique(np.searchsorted(sequences.offsets, positions, side="right") - 1).tolist():
        string = texts[row]
        composed, decomposed = (unicodedata.is_normalized(form, string) for form in ("NFC", "NFD"))
        forms["NFC"] += composed and not decomposed
        forms["NFD"] += decomposed and not composed
    return forms


def _is_affected(character: str) -> bool:
    """Whether a character differs between NFC and NFD: an accented letter, a combining mark, or Korean."""
    if character.isascii():
        return False
    decomposes = unicodedata.normalize("NFD", character) != character
    return decomposes or unicodedata.category(character).startswith("M") or "\u1100" <= character <= "\u11ff"


def _is_invisible(character: str) -> bool:
    """Whether a character is a control or format character, or a space that is neither ASCII nor ideographic.

    C1 controls are not counted, because they come from a wrong encoding; see `henkan.text.damaged_strings`. Neither are
    tabs and line ends, which JSON Lines and CSV have on purpose.
    """
    if "\x80" <= character <= "\x9f" or character in "\t\r\n":
        return False
    category = unicodedata.category(character)
    return category in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") or (category == "Zs" and character not in " \u3000")


def _name(character: str) -> str:
    return f"U+{ord(character):04X} {unicodedata.name(character, 'control')}"


def show_symbol(symbol: str) -> str:
    """Format a symbol readably: escaped if it has invisible or combining characters."""
    if symbol.startswith(TAG) and len(symbol) > 1:
        return f"{escape(symbol[1:])} (feature)"
    plain = all(
        character.isprintable() and not character.isspace() and not unicodedata.combining(character)
        for character in symbol
    )
    return symbol if plain else f"{symbol!a}"

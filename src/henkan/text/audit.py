"""Check pairs for problems before training."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from henkan.errors import Message
from henkan.text.arrays import Array
from henkan.text.escaping import escape
from henkan.text.pairs import Pairs
from henkan.text.texts import CHUNK_ROWS, Texts
from henkan.text.tokenized_pairs import TokenizedPairs
from henkan.text.tokenizer import TAG, Sequences, Tokenizer, tokenize

EXAMPLES = 5
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
    """

    empty: int
    lengths: tuple[int, float, int]
    symbols: Mapping[str, int]
    rare: Sequence[str]
    forms: Mapping[str, int]
    invisible: Mapping[str, int]
    padded: int

    @property
    def mixed(self) -> bool:
        """Whether some strings are composed (NFC) and others decomposed (NFD)."""
        return all(self.forms.values())


@dataclass(frozen=True)
class Leak:
    """Overlap of a validation or test set with the training set.

    Attributes:
        rows: number of pairs in the set.
        pairs: how many of them are also in the training set.
        sources: how many of their sources are also in the training set.
        unknown: source symbol that is not in the training set -> number of pairs with it.
        unknown_rows: number of pairs with at least one such symbol.
    """

    rows: int
    pairs: int
    sources: int
    unknown: Mapping[str, int]
    unknown_rows: int


@dataclass(frozen=True)
class Audit:
    """The result of an audit.

    Attributes:
        rows: number of training pairs.
        duplicates: number of pairs that repeat an earlier pair.
        ambiguous_sources: number of sources with several targets.
        ambiguous: the first of these sources -> their targets.
        source, target: statistics of the two sides.
        leaks: name of a validation or test set -> its overlap with the training set.
    """

    rows: int
    duplicates: int
    ambiguous_sources: int
    ambiguous: Mapping[str, Sequence[str]]
    source: Side
    target: Side
    leaks: Mapping[str, Leak] = field(default_factory=dict)

    def warnings(self) -> list[Message]:
        """Problems that can harm the model or distort its evaluation."""
        found = []
        for name, leak in self.leaks.items():
            if leak.sources:
                found.append(
                    Message(
                        f"{leak.sources:,} of {leak.rows:,} sources in {name} are also in the training set "
                        f"({leak.pairs:,} with the same target), so its exact match is too optimistic"
                    )
                )
            if leak.unknown_rows:
                shown = ", ".join(map(show_symbol, list(leak.unknown)[:EXAMPLES]))
                found.append(
                    Message(f"{leak.unknown_rows:,} of {leak.rows:,} sources in {name} have unknown symbols ({shown})")
                )
        for name, side in (("source", self.source), ("target", self.target)):
            if side.mixed:
                found.append(
                    Message(
                        f"the {name}s mix composed and decomposed characters ({side.forms['NFC']:,} NFC, "
                        f"{side.forms['NFD']:,} NFD), so the same letter becomes different symbols",
                        "normalize",
                        {"side": name},
                    )
                )
            if side.invisible:
                total = sum(side.invisible.values())
                shown = ", ".join(list(side.invisible)[:EXAMPLES])
                found.append(Message(f"the {name}s contain {total:,} invisible characters ({shown})"))
            if side.padded:
                found.append(Message(f"{side.padded:,} {name}s have leading or trailing whitespace", "strip"))
        return found

    def summary(self) -> str:
        """A one-line summary."""
        parts = [f"{self.rows:,} pairs"]
        for name, side in (("source", self.source), ("target", self.target)):
            low, _, high = side.lengths
            parts.append(f"{name}s of {low} to {high} symbols ({len(side.symbols):,} distinct)")
        if self.duplicates:
            parts.append(f"{self.duplicates:,} duplicate pairs")
        if self.ambiguous_sources:
            parts.append(f"{self.ambiguous_sources:,} sources with several targets")
        return "; ".join(parts)


def audit(tokenized: TokenizedPairs, others: Mapping[str, Pairs] | None = None) -> Audit:
    """Collect statistics of training pairs, and their overlap with validation and test sets.

    Args:
        tokenized: the training pairs. Strings that are equal after normalization count as equal.
        others: name -> a validation or test set.
    """
    pairs, source, target = tokenized.pairs, tokenized.source_tokenizer, tokenized.target_tokenizer
    sources, targets = Texts.of(pairs.sources), Texts.of(pairs.targets)
    source_hashes, hashes = _hashes(sources, targets, source, target)
    _, first = np.unique(hashes, return_index=True)
    several, ambiguous = _ambiguous(sources, targets, np.sort(first), source_hashes)
    return Audit(
        rows=len(pairs),
        duplicates=len(pairs) - len(first),
        ambiguous_sources=several,
        ambiguous=ambiguous,
        source=_side(sources, *tokenized.source, source),
        target=_side(targets, *tokenized.target, target),
        leaks={
            name: _leak(other, (source_hashes, hashes), set(tokenized.source.symbols), source, target)
            for name, other in (others or {}).items()
        },
    )


def _hashes(sources: Texts, targets: Texts, source: Tokenizer, target: Tokenizer) -> tuple[Array, Array]:
    """64-bit hashes of the sources and of the pairs.

    Among ten million strings, the probability that any two collide is about 1 in 370,000.
    """
    source_hashes = sources.hashes(None if source.plain else source.normalize).view(np.uint64)
    target_hashes = targets.hashes(None if target.plain else target.normalize).view(np.uint64)
    return source_hashes, (source_hashes * np.uint64(0x9E3779B97F4A7C15)) ^ target_hashes


def _ambiguous(sources: Texts, targets: Texts, distinct: Array, hashes: Array) -> tuple[int, dict[str, list[str]]]:
    """Count the sources with several targets, and list the first of them with their targets.

    Args:
        sources, targets: the pairs.
        distinct: rows of the distinct pairs, in ascending order.
        hashes: hashes of all sources.
    """
    distinct_hashes = hashes[distinct]
    values, counts = np.unique(distinct_hashes, return_counts=True)
    several = values[counts > 1]
    rows = distinct[np.isin(distinct_hashes, several)]
    _, first = np.unique(hashes[rows], return_index=True)
    shown = {}
    for row in rows[np.sort(first)[:EXAMPLES]].tolist():
        same = rows[hashes[rows] == hashes[row]]
        shown[sources[row]] = [targets[other] for other in same.tolist()]
    return len(several), shown


def _leak(pairs: Pairs, known: tuple[Array, Array], symbols: set[str], source: Tokenizer, target: Tokenizer) -> Leak:
    sources, targets = Texts.of(pairs.sources), Texts.of(pairs.targets)
    hashes = _hashes(sources, targets, source, target)
    sequences, found = tokenize(sources, source)
    unknown = np.array([symbol not in symbols for symbol in found], bool)
    counts, rows = _count_strings(sequences, unknown)
    return Leak(
        rows=len(pairs),
        pairs=int(np.isin(hashes[1], known[1]).sum()),
        sources=int(np.isin(hashes[0], known[0]).sum()),
        unknown=_ranked({found[id]: int(counts[id]) for id in np.flatnonzero(unknown).tolist()}),
        unknown_rows=rows,
    )


def _count_strings(sequences: Sequences, wanted: Array, limit: int | None = None) -> tuple[Array, int]:
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


def _ranked(counts: Mapping[str, int]) -> dict[str, int]:
    """Sort by count, most frequent first."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _side(texts: Texts, sequences: Sequences, symbols: Sequence[str], tokenizer: Tokenizer) -> Side:
    lengths, counts = sequences.lengths(), np.bincount(sequences.flat, minlength=len(symbols)).tolist()
    strings, _ = _count_strings(sequences, np.ones(len(symbols), bool), RARE)
    invisible: Counter[str] = Counter()
    for symbol, count in zip(symbols, counts, strict=True):
        text = symbol.replace(TAG, "") if tokenizer.features else symbol
        for character in filter(_is_invisible, text):
            invisible[_name(character)] += count
    return Side(
        empty=int((lengths == 0).sum()),
        lengths=(int(lengths.min()), float(np.median(lengths)), int(lengths.max())) if len(lengths) else (0, 0.0, 0),
        symbols=_ranked(dict(zip(symbols, counts, strict=True))),
        rare=[symbol for symbol, count in zip(symbols, strings.tolist(), strict=True) if count < RARE],
        forms=_forms(texts, sequences, symbols, tokenizer),
        invisible=_ranked(invisible),
        padded=texts.padded(),
    )


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
    """Whether a character is a control or format character, or a space that is neither ASCII nor ideographic."""
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

"""What is wrong with data, or merely worth knowing, before it is trained on."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from henkan.text.arrays import Array
from henkan.text.pairs import Pairs
from henkan.text.sequences import Sequences, cut_all
from henkan.text.texts import ROWS_AT_ONCE, Texts
from henkan.text.tokenizer import TAG, Cutting

EXAMPLES = 5
RARE = 3
"""A symbol that stands in fewer strings than this is hardly learned."""


@dataclass(frozen=True)
class Side:
    """The sources, or the targets.

    Attributes:
        empty: strings of no symbols.
        lengths: of strings in symbols: the smallest, the median, the largest.
        symbols: symbol -> how often it stands in the strings, the commonest first.
        rare: symbols that stand in fewer than `RARE` strings.
        forms: normalisation form -> strings that are in this form and not the other, of NFC and NFD.
        invisible: name of a character that does not show -> how often it stands in the strings.
        padded: strings with white space at an end.
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
    """What a held-out part shares with the training part.

    Attributes:
        rows: in the held-out part.
        pairs: of these, pairs that are in training too.
        sources: of these, sources that are in training too.
        unknown: source symbols that training does not have -> rows with it.
        unknown_rows: rows with such a symbol in the source.
    """

    rows: int
    pairs: int
    sources: int
    unknown: Mapping[str, int]
    unknown_rows: int


@dataclass(frozen=True)
class Audit:
    """What was found.

    Attributes:
        rows: pairs in the training part; none is ever passed over.
        duplicates: pairs that stand there already.
        ambiguous_sources: how many sources have several targets.
        ambiguous: the first of these -> their targets.
        source, target: the two sides.
        leaks: name of a held-out part -> what it shares with training.
    """

    rows: int
    duplicates: int
    ambiguous_sources: int
    ambiguous: Mapping[str, Sequence[str]]
    source: Side
    target: Side
    leaks: Mapping[str, Leak] = field(default_factory=dict)

    def warnings(self) -> list[str]:
        """What may spoil the model or its figures, a sentence each."""
        found = []
        for name, leak in self.leaks.items():
            if leak.sources:
                found.append(
                    f"{leak.sources:,} of {leak.rows:,} sources in {name} are in training too ({leak.pairs:,} with the "
                    "same target): its exact match flatters"
                )
            if leak.unknown_rows:
                shown = ", ".join(map(show_symbol, list(leak.unknown)[:EXAMPLES]))
                found.append(f"{leak.unknown_rows:,} of {leak.rows:,} sources in {name} hold unknown symbols ({shown})")
        for name, side in (("source", self.source), ("target", self.target)):
            if side.mixed:
                found.append(
                    f"{name}s mix composed and decomposed letters ({side.forms['NFC']:,} NFC, {side.forms['NFD']:,} "
                    f"NFD): the same letter is two symbols; give --{name}-normalization NFC"
                )
            if side.invisible:
                total = sum(side.invisible.values())
                shown = ", ".join(list(side.invisible)[:EXAMPLES])
                found.append(f"{name}s hold {total:,} characters that do not show ({shown})")
            if side.padded:
                found.append(f"{side.padded:,} {name}s begin or end with white space; --strip takes it off")
        return found

    def summary(self) -> str:
        """One line."""
        parts = [f"{self.rows:,} pairs"]
        for name, side in (("source", self.source), ("target", self.target)):
            low, _, high = side.lengths
            parts.append(f"{name}s of {low} to {high} symbols ({len(side.symbols):,} different)")
        if self.duplicates:
            parts.append(f"{self.duplicates:,} duplicates")
        if self.ambiguous_sources:
            parts.append(f"{self.ambiguous_sources:,} sources with several targets")
        return "; ".join(parts)


def audit(
    pairs: Pairs,
    others: Mapping[str, Pairs] | None = None,
    *,
    source: Cutting = Cutting(),  # noqa: B008  (it cannot be changed)
    target: Cutting = Cutting(),  # noqa: B008
) -> Audit:
    """Look at training pairs, and at held-out parts beside them.

    Args:
        pairs: the training part.
        others: name -> a held-out part.
        source, target: how the two sides are cut; strings that are the same after normalisation count as the same.
    """
    sources, targets = Texts.of(pairs.sources), Texts.of(pairs.targets)
    source_hashes, hashes = _hashes(sources, targets, source, target)
    _, first = np.unique(hashes, return_index=True)
    cut, symbols = cut_all(sources, source)
    several, ambiguous = _ambiguous(sources, targets, np.sort(first), source_hashes)
    return Audit(
        rows=len(pairs),
        duplicates=len(pairs) - len(first),
        ambiguous_sources=several,
        ambiguous=ambiguous,
        source=_side(sources, cut, symbols, source),
        target=_side(targets, *cut_all(targets, target), target),
        leaks={
            name: _leak(other, (source_hashes, hashes), set(symbols), source, target)
            for name, other in (others or {}).items()
        },
    )


def _hashes(sources: Texts, targets: Texts, source: Cutting, target: Cutting) -> tuple[Array, Array]:
    """64-bit hashes of the sources and of the pairs: two of ten million are alike by chance once in 370,000 times."""
    mine = sources.hashes(None if source.plain else source.normalize).view(np.uint64)
    others = targets.hashes(None if target.plain else target.normalize).view(np.uint64)
    return mine, (mine * np.uint64(0x9E3779B97F4A7C15)) ^ others


def _ambiguous(sources: Texts, targets: Texts, distinct: Array, hashes: Array) -> tuple[int, dict[str, list[str]]]:
    """How many sources have several targets, and the first of them with these.

    Args:
        distinct: rows of different pairs, in order.
        hashes: of the sources.
    """
    of_pairs = hashes[distinct]
    values, counts = np.unique(of_pairs, return_counts=True)
    several = values[counts > 1]
    rows = distinct[np.isin(of_pairs, several)]
    _, places = np.unique(hashes[rows], return_index=True)
    shown = {}
    for row in rows[np.sort(places)[:EXAMPLES]].tolist():
        same = rows[hashes[rows] == hashes[row]]
        shown[sources[row]] = [targets[other] for other in same.tolist()]
    return len(several), shown


def _leak(pairs: Pairs, known: tuple[Array, Array], symbols: set[str], source: Cutting, target: Cutting) -> Leak:
    sources, targets = Texts.of(pairs.sources), Texts.of(pairs.targets)
    hashes = _hashes(sources, targets, source, target)
    cut, found = cut_all(sources, source)
    strange = np.array([symbol not in symbols for symbol in found], bool)
    holders, rows = _holders(cut, strange)
    return Leak(
        rows=len(pairs),
        pairs=int(np.isin(hashes[1], known[1]).sum()),
        sources=int(np.isin(hashes[0], known[0]).sum()),
        unknown=_ranked({found[id]: int(holders[id]) for id in np.flatnonzero(strange).tolist()}),
        unknown_rows=rows,
    )


def _holders(cut: Sequences, wanted: Array, enough: int | None = None) -> tuple[Array, int]:
    """In how many strings each symbol stands.

    Args:
        wanted: (symbols,) which symbols are counted.
        enough: from which number on it does not matter how many more.

    Returns:
        (symbols,) the numbers, and how many strings hold any.
    """
    wanted, counts, strings = wanted.copy(), np.zeros(len(wanted), np.int64), 0
    for start in range(0, len(cut), ROWS_AT_ONCE):
        ends = cut.offsets[start : start + ROWS_AT_ONCE + 1]
        part = cut.flat[ends[0] : ends[-1]]
        places = np.flatnonzero(wanted[part]) if len(wanted) else np.zeros(0, np.int64)
        rows = np.searchsorted(ends - ends[0], places, side="right") - 1
        both = np.unique(rows * len(wanted) + part[places])
        counts += np.bincount(both % max(len(wanted), 1), minlength=len(wanted)).astype(np.int64)
        strings += len(np.unique(both // max(len(wanted), 1)))
        if enough is not None:
            wanted &= counts < enough
    return counts, strings


def _ranked(counts: Mapping[str, int]) -> dict[str, int]:
    """The most frequent first."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _side(texts: Texts, cut: Sequences, symbols: Sequence[str], cutting: Cutting) -> Side:
    lengths, counts = cut.lengths(), np.bincount(cut.flat, minlength=len(symbols)).tolist()
    holders, _ = _holders(cut, np.ones(len(symbols), bool), RARE)
    invisible: Counter[str] = Counter()
    for symbol, count in zip(symbols, counts, strict=True):
        text = symbol.replace(TAG, "") if cutting.features else symbol
        for character in filter(_does_not_show, text):
            invisible[_name(character)] += count
    return Side(
        empty=int((lengths == 0).sum()),
        lengths=(int(lengths.min()), float(np.median(lengths)), int(lengths.max())) if len(lengths) else (0, 0.0, 0),
        symbols=_ranked(dict(zip(symbols, counts, strict=True))),
        rare=[symbol for symbol, count in zip(symbols, holders.tolist(), strict=True) if count < RARE],
        forms=_forms(texts, cut, symbols, cutting),
        invisible=_ranked(invisible),
        padded=texts.padded(),
    )


def _forms(texts: Texts, cut: Sequences, symbols: Sequence[str], cutting: Cutting) -> dict[str, int]:
    """Strings that are in one of the forms alone; only those are asked that hold a character that it touches."""
    forms = {"NFC": 0, "NFD": 0}
    touched = np.array([any(map(_is_touched, symbol)) for symbol in symbols], bool)
    if cutting.normalization != "none" or not touched.any():
        return forms
    places = np.flatnonzero(touched[cut.flat])
    for row in np.unique(np.searchsorted(cut.offsets, places, side="right") - 1).tolist():
        string = texts[row]
        composed, decomposed = (unicodedata.is_normalized(form, string) for form in ("NFC", "NFD"))
        forms["NFC"] += composed and not decomposed
        forms["NFD"] += decomposed and not composed
    return forms


def _is_touched(character: str) -> bool:
    """Whether a string can be in one form and not in the other because of it: letters with marks, marks, Korean."""
    if character.isascii():
        return False
    decomposes = unicodedata.normalize("NFD", character) != character
    return decomposes or unicodedata.category(character).startswith("M") or "\u1100" <= character <= "\u11ff"


def _does_not_show(character: str) -> bool:
    """Controls, formats such as the zero-width space, and every space but the ordinary ones."""
    category = unicodedata.category(character)
    return category in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") or (category == "Zs" and character not in " \u3000")


def _name(character: str) -> str:
    return f"U+{ord(character):04X} {unicodedata.name(character, 'control')}"


def show_symbol(symbol: str) -> str:
    """A symbol as a person can tell it apart: with its code points where it is no plain letter."""
    if symbol.startswith(TAG) and len(symbol) > 1:
        return f"{symbol[1:]} (feature)"
    plain = all(
        character.isprintable() and not character.isspace() and not unicodedata.combining(character)
        for character in symbol
    )
    return symbol if plain else f"{symbol!a}"

"""What is wrong with data, or merely worth knowing, before it is trained on."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from henkan.text.pairs import Pairs
from henkan.text.symbols import TAG, Cutting

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
        ambiguous: sources with several targets -> these.
        source, target: the two sides.
        leaks: name of a held-out part -> what it shares with training.
    """

    rows: int
    duplicates: int
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
        if self.ambiguous:
            parts.append(f"{len(self.ambiguous):,} sources with several targets")
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
    both = _normalized(pairs, source, target)
    targets: dict[str, dict[str, None]] = defaultdict(dict)  # kept in order of coming
    for text, answer in both:
        targets[text][answer] = None
    known = {symbol for text in targets for symbol in source.cut(text)}
    distinct = sum(map(len, targets.values()))
    return Audit(
        rows=len(pairs),
        duplicates=len(pairs) - distinct,
        ambiguous={text: list(answers) for text, answers in targets.items() if len(answers) > 1},
        source=_side(pairs.sources, source),
        target=_side(pairs.targets, target),
        leaks={
            name: _leak(_normalized(other, source, target), targets, known, source)
            for name, other in (others or {}).items()
        },
    )


def _normalized(pairs: Pairs, source: Cutting, target: Cutting) -> list[tuple[str, str]]:
    return list(zip(map(source.normalize, pairs.sources), map(target.normalize, pairs.targets), strict=True))


def _leak(
    pairs: Sequence[tuple[str, str]], targets: Mapping[str, Mapping[str, None]], known: set[str], cutting: Cutting
) -> Leak:
    unknown: Counter[str] = Counter()
    rows = 0
    for text, _ in pairs:
        strange = set(cutting.cut(text)) - known
        unknown.update(strange)
        rows += bool(strange)
    return Leak(
        rows=len(pairs),
        pairs=sum(answer in targets.get(text, ()) for text, answer in pairs),
        sources=sum(text in targets for text, _ in pairs),
        unknown=dict(unknown.most_common()),
        unknown_rows=rows,
    )


def _side(strings: Iterable[str], cutting: Cutting) -> Side:
    symbols: Counter[str] = Counter()
    holders: Counter[str] = Counter()
    invisible: Counter[str] = Counter()
    forms: dict[Literal["NFC", "NFD"], int] = {"NFC": 0, "NFD": 0}
    lengths = []
    padded = 0
    for string in strings:
        cut = cutting.cut(string)
        lengths.append(len(cut))
        symbols.update(cut)
        holders.update(set(cut))
        padded += string != string.strip(" \u3000")
        if not string.isascii() or not string.isprintable():
            text = string.replace(TAG, "") if cutting.features else string
            invisible.update(_name(character) for character in text if _does_not_show(character))
            if cutting.normalization == "none":
                composed, decomposed = (unicodedata.is_normalized(form, string) for form in forms)
                forms["NFC"] += composed and not decomposed
                forms["NFD"] += decomposed and not composed
    return Side(
        empty=lengths.count(0),
        lengths=(min(lengths), float(np.median(lengths)), max(lengths)) if lengths else (0, 0.0, 0),
        symbols=dict(symbols.most_common()),
        rare=sorted(symbol for symbol, count in holders.items() if count < RARE),
        forms={str(form): count for form, count in forms.items()},
        invisible=dict(invisible.most_common()),
        padded=padded,
    )


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

"""Check pairs for problems before training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from henkan.errors import REMEDIES, Message
from henkan.text.arrays import Array
from henkan.text.counts import counted
from henkan.text.damage import find_damage
from henkan.text.escaping import escape
from henkan.text.pairs import Pairs
from henkan.text.sample import Sample
from henkan.text.side_statistics import Side, count_strings, length_range, ranked, show_symbol, side_statistics
from henkan.text.texts import Texts
from henkan.text.tokenized_pairs import TokenizedPairs
from henkan.text.tokenizer import Tokenizer, tokenize

EXAMPLES = 5

REMEDIES_IN_LISTS: Mapping[str, str] = {
    "columns": "correct the pairs",
    "csv": "remove them",
    "lexicon": "remove them",
    "strip": "remove it, as str.strip does",
}
"""Key of a remedy -> what to do where `henkan.errors.REMEDIES` names an argument for reading a file."""


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

    def lines(self, name: str) -> list[str]:
        """Return a report as lines.

        Args:
            name: name of the set.
        """
        return [
            f"{name}: {counted(self.rows, 'pair')}",
            f"    {counted(self.sources, 'source is', 'sources are')} also in the training set, {self.pairs:,} with "
            "the same target",
            f"    {counted(self.unknown_rows, 'source has', 'sources have')} symbols that are not in the training set",
        ]


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
        damage: warnings about damaged strings and pairs; see `henkan.text.damage`.
        numbered: whether rows are shown by number.
    """

    rows: int
    duplicates: int
    ambiguous_sources: int
    ambiguous: Mapping[str, Sequence[str]]
    source: Side
    target: Side
    leaks: Mapping[str, Leak] = field(default_factory=dict)
    damage: Sequence[Message] = ()
    numbered: bool = True

    def warnings(self) -> list[Message]:
        """Problems that can harm the model or distort its evaluation."""
        found = []
        for name, leak in self.leaks.items():
            if leak.sources:
                found.append(
                    Message(
                        f"{leak.sources:,} of {counted(leak.rows, 'source')} in {name} "
                        f"{'is' if leak.sources == 1 else 'are'} also in the training set "
                        f"({leak.pairs:,} with the same target), so its exact match is too optimistic"
                    )
                )
            if leak.unknown_rows:
                shown = ", ".join(map(show_symbol, list(leak.unknown)[:EXAMPLES]))
                found.append(
                    Message(
                        f"{leak.unknown_rows:,} of {counted(leak.rows, 'source')} in {name} "
                        f"{'has' if leak.unknown_rows == 1 else 'have'} unknown symbols ({shown})"
                    )
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
                found.append(
                    Message(f"the {name}s contain {counted(total, 'invisible character')} ({shown}); delete them")
                )
            if side.padded:
                found.append(
                    Message(
                        f"{counted(side.padded, f'{name} has', f'{name}s have')} leading or trailing whitespace",
                        "strip",
                    )
                )
            if side.outliers:
                found.append(self._outliers(name, side))
        return [*found, *self.damage]

    def _outliers(self, name: str, side: Side) -> Message:
        row, text = side.longest
        place = f"row {row + 1:,}" if self.numbered else "for example"
        return Message(
            f"{side.outliers:,} of {self.rows:,} {name}s are much longer than nearly all others, which makes training "
            f"slow ({place}: {text!r}, {side.lengths[2]:,} symbols; median {side.lengths[1]:g}); check or delete these "
            "lines"
        )

    def hints(self) -> list[Message]:
        """Settings that are worth trying."""
        if self.source.case is None:
            return []
        problem = f"all letters of the sources are in {self.source.case} case, so the model does not learn others"
        return [Message(problem, "source_case", {"case": self.source.case})]

    def summary(self) -> str:
        """A one-line summary."""
        parts = [counted(self.rows, "pair")]
        for name, side in (("source", self.source), ("target", self.target)):
            low, _, high = side.lengths
            parts.append(f"{name}s of {length_range(low, high)} ({len(side.symbols):,} distinct)")
        if self.duplicates:
            parts.append(counted(self.duplicates, "duplicate pair"))
        if self.ambiguous_sources:
            parts.append(counted(self.ambiguous_sources, "source with several targets", "sources with several targets"))
        return "; ".join(parts)

    def lines(self, phrased: Callable[[Message], str] = str) -> list[str]:
        """Return a report as lines, without the number of pairs.

        Args:
            phrased: how to word a message.
        """
        several = counted(self.ambiguous_sources, "source with several targets", "sources with several targets")
        lines = [counted(self.duplicates, "duplicate pair"), several]
        for text, targets in list(self.ambiguous.items())[:EXAMPLES]:
            lines.append(f"    {escape(text)}: {' | '.join(map(escape, targets))}")
        for name, side in (("source", self.source), ("target", self.target)):
            lines += ["", *side.lines(name)]
        for name, leak in self.leaks.items():
            lines += ["", *leak.lines(name)]
        warnings = [f"warning: {phrased(message)}" for message in self.warnings()] or ["no warnings"]
        return [*lines, "", *warnings, *(f"hint: {phrased(message)}" for message in self.hints())]

    def to_dict(self, phrased: Callable[[Message], str] | None = None) -> dict[str, Any]:
        """Convert the audit to JSON values, with warnings and hints as sentences.

        Args:
            phrased: how to word a message; None: for pairs given as lists in Python.
        """
        word = phrased or in_lists
        values = {name: value for name, value in asdict(self).items() if name != "damage"}
        return {**values, "warnings": [*map(word, self.warnings())], "hints": [*map(word, self.hints())]}

    def __str__(self) -> str:
        return "\n".join([counted(self.rows, "pair"), *self.lines(in_lists)])

    def __repr__(self) -> str:
        return str(self)


def in_lists(message: Message) -> str:
    """Word a message about pairs that were given as lists, not read from a file."""
    return message.phrased({**REMEDIES, **REMEDIES_IN_LISTS})


def audit(tokenized: TokenizedPairs, others: Mapping[str, Pairs] | None = None, *, numbered: bool = True) -> Audit:
    """Collect statistics of training pairs, and their overlap with validation and test sets.

    Args:
        tokenized: the training pairs. Strings that are equal after normalization count as equal.
        others: name -> a validation or test set.
        numbered: whether to show rows by number. It makes no sense for a random part of a file.
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
        source=side_statistics(sources, *tokenized.source, source),
        target=side_statistics(targets, *tokenized.target, target),
        leaks={
            name: _leak(other, (source_hashes, hashes), set(tokenized.source.symbols), source, target)
            for name, other in (others or {}).items()
        },
        damage=find_damage(Sample.of(pairs, source, target, numbered=numbered)),
        numbered=numbered,
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
    counts, rows = count_strings(sequences, unknown)
    return Leak(
        rows=len(pairs),
        pairs=int(np.isin(hashes[1], known[1]).sum()),
        sources=int(np.isin(hashes[0], known[0]).sum()),
        unknown=ranked({found[id]: int(counts[id]) for id in np.flatnonzero(unknown).tolist()}),
        unknown_rows=rows,
    )

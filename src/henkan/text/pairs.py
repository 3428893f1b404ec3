"""Pairs of strings: write and split them, and the columns of a pair file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from henkan.errors import DataError
from henkan.text.texts import Texts, TextsWriter


@dataclass(frozen=True)
class Pairs:
    """Sources and their targets, in the same order."""

    sources: Sequence[str]
    targets: Sequence[str]

    def __post_init__(self) -> None:
        if len(self.sources) != len(self.targets):
            raise DataError(f"there are {len(self.sources)} sources but {len(self.targets)} targets")

    def __len__(self) -> int:
        return len(self.sources)

    def digest(self) -> str:
        """Return the SHA-256 fingerprint of the pairs."""
        digest = hashlib.sha256()
        for strings in (self.sources, self.targets):
            for string in strings:
                digest.update(f"{len(string)} {string}".encode("utf-8", "surrogatepass"))
        return digest.hexdigest()

    def take(self, rows: Iterable[int]) -> Pairs:
        """Return the pairs in the given rows."""
        selected = np.fromiter(rows, np.int64)
        return Pairs(Texts.of(self.sources).take(selected), Texts.of(self.targets).take(selected))

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> Pairs:
        """Create pairs from (source, target) tuples."""
        sources, targets = TextsWriter(), TextsWriter()
        for source, target in pairs:
            sources.add(source)
            targets.add(target)
        return cls(sources.texts(), targets.texts())


@dataclass(frozen=True)
class Columns:
    """The meaning of a file's columns, numbered from 0.

    Attributes:
        source, target: columns of the source and the target.
        features: column of the source's feature tags, or None.
        count: number of columns on every line; None: any number that includes the columns above.
    """

    source: int = 0
    target: int = 1
    features: int | None = None
    count: int | None = 2

    @property
    def min_columns(self) -> int:
        """The minimum number of columns on a line."""
        return self.count or 1 + max(self.source, self.target, self.features or 0)


TWO_COLUMNS, TAGGED_COLUMNS = Columns(), Columns(features=2, count=3)


def write_pairs(pairs: Pairs, file: BinaryIO) -> None:
    """Write one line per pair: source TAB target, in UTF-8.

    Raises:
        DataError: at the first pair that cannot be written as such a line.
    """
    for row, columns in enumerate(zip(pairs.sources, pairs.targets, strict=True), start=1):
        line = line_of(columns, first=row == 1)
        if line is None:
            shown = "\t".join(columns)
            raise DataError(f"pair {row} ({shown!a:.60}) cannot be written as a line of text; write JSON Lines instead")
        file.write(line)


def line_of(columns: Sequence[str], *, first: bool) -> bytes | None:
    """Return the line with some columns in UTF-8; None if other columns would be read from it.

    Args:
        columns: the columns, which tabs separate.
        first: whether it is the first line of a file.
    """
    line = "\t".join(columns)
    changed_by_reading = line.endswith("\r") or (first and line.startswith("\ufeff"))
    if line.count("\t") >= len(columns) or "\n" in line or "\0" in line or changed_by_reading:
        return None
    try:
        return f"{line}\n".encode()
    except UnicodeEncodeError:
        return None


def hold_out(
    pairs: Pairs, seed: int, share: float = 0.1, normalize: Callable[[str], str] | None = None
) -> tuple[Pairs, Pairs]:
    """Split pairs at random into training and validation pairs.

    Pairs with the same source go to the same set, so that no validation source is in the training set.

    Args:
        pairs: the pairs.
        seed: random seed.
        share: fraction of the distinct sources that goes to the validation set.
        normalize: normalization of sources before they are compared, or None.

    Raises:
        DataError: if there are fewer than two distinct sources.
    """
    hashes = Texts.of(pairs.sources).hashes(normalize)
    _, first, indices = np.unique(hashes, return_index=True, return_inverse=True)
    if len(first) < 2:
        raise DataError("at least two distinct sources are needed to split off a validation set", "no_validation_set")
    by_occurrence = np.argsort(first)  # distinct sources in order of first occurrence
    order = np.random.default_rng([seed, 1]).permutation(len(first))
    chosen = np.zeros(len(first), bool)
    chosen[by_occurrence[order[: max(1, round(share * len(first)))]]] = True
    in_validation = chosen[indices]
    return pairs.take(np.flatnonzero(~in_validation)), pairs.take(np.flatnonzero(in_validation))

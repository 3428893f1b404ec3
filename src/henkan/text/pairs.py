"""Read, write and split pairs of strings."""

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
        """A SHA-256 sum by which the same pairs are known again."""
        digest = hashlib.sha256()
        for strings in (self.sources, self.targets):
            for string in strings:
                digest.update(f"{len(string)} {string}".encode("utf-8", "surrogatepass"))
        return digest.hexdigest()

    def take(self, rows: Iterable[int]) -> Pairs:
        """The pairs of some rows."""
        places = np.fromiter(rows, np.int64)
        return Pairs(Texts.of(self.sources).take(places), Texts.of(self.targets).take(places))

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> Pairs:
        """Pairs from (source, target) tuples."""
        sources, targets = TextsWriter(), TextsWriter()
        for source, target in pairs:
            sources.add(source)
            targets.add(target)
        return cls(sources.texts(), targets.texts())


@dataclass(frozen=True)
class Columns:
    """Which column of a file holds what, from 0.

    Attributes:
        source, target: the texts.
        features: the feature tags of the source, or None.
        count: how many columns every line has; None: at least as many as are asked for.
    """

    source: int = 0
    target: int = 1
    features: int | None = None
    count: int | None = 2

    @property
    def fewest(self) -> int:
        """Columns that a line must have."""
        return self.count or 1 + max(self.source, self.target, self.features or 0)


TWO_COLUMNS = Columns()


def write_pairs(pairs: Pairs, file: BinaryIO) -> None:
    """Write a line for each pair: source TAB target, UTF-8.

    Raises:
        DataError: at the first pair that such a line cannot hold, before anything of it is written.
    """
    for row, (source, target) in enumerate(zip(pairs.sources, pairs.targets, strict=True), start=1):
        line = f"{source}\t{target}"
        ends = line.endswith("\r") or (row == 1 and line.startswith("\ufeff"))
        try:
            if line.count("\t") != 1 or "\n" in line or "\0" in line or ends:
                raise ValueError
            file.write(f"{line}\n".encode())
        except ValueError:
            raise DataError(
                f"pair {row} ({line!a:.60}) holds what a line of a text file cannot; write JSON Lines instead"
            ) from None


def hold_out(
    pairs: Pairs, seed: int, share: float = 0.1, normalize: Callable[[str], str] | None = None
) -> tuple[Pairs, Pairs]:
    """Split into training and held-out pairs, drawn by the seed.

    Pairs whose sources are the same, after normalisation, go to the same side: a question that was trained on is no
    test.

    Raises:
        DataError: if there are not two different sources.
    """
    hashes = Texts.of(pairs.sources).hashes(normalize)
    _, first, which = np.unique(hashes, return_index=True, return_inverse=True)
    if len(first) < 2:
        raise DataError("one source is too few to hold a part out; give more pairs, or hold nothing out (--dev none)")
    coming = np.argsort(first)  # sources in the order in which they first come
    order = np.random.default_rng([seed, 1]).permutation(len(first))
    chosen = np.zeros(len(first), bool)
    chosen[coming[order[: max(1, round(share * len(first)))]]] = True
    sides = chosen[which]
    return pairs.take(np.flatnonzero(~sides)), pairs.take(np.flatnonzero(sides))

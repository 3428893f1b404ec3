"""Random parts of some pairs, of increasing size, where each part contains the smaller ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from henkan.text.arrays import Array
from henkan.text.pairs import Pairs
from henkan.text.texts import Texts


@dataclass(frozen=True)
class NestedSubsets:
    """Pairs whose distinct sources have a number.

    Attributes:
        pairs: n pairs.
        numbers: number of the source of each pair, from 0, in the order of first occurrence: (n,).
    """

    pairs: Pairs
    numbers: Array

    @classmethod
    def of(cls, pairs: Pairs, normalize: Callable[[str], str] | None = None) -> NestedSubsets:
        """Number the sources of pairs; `normalize` is their normalization before they are compared, or None."""
        hashes = Texts.of(pairs.sources).hashes(normalize)
        _, first, indices = np.unique(hashes, return_index=True, return_inverse=True)
        return cls(pairs, np.argsort(np.argsort(first))[indices])

    @property
    def sources(self) -> int:
        """The number of distinct sources."""
        return int(self.numbers.max()) + 1 if len(self.numbers) else 0

    def subset(self, sources: int, seed: int) -> Pairs:
        """Return all pairs of some sources, in their original order.

        The sources are drawn without replacement. With the same seed, a larger subset contains the smaller ones.

        Args:
            sources: number of distinct sources.
            seed: random seed.
        """
        if sources >= self.sources:
            return self.pairs
        order = np.random.default_rng([seed, 5]).permutation(self.sources)
        chosen = np.zeros(self.sources, bool)
        chosen[order[:sources]] = True
        return self.pairs.take(np.flatnonzero(chosen[self.numbers]))


def source_counts(total: int, fractions: Sequence[float], smallest: int) -> list[int]:
    """Return the sizes of the parts, in distinct sources and in increasing order.

    Args:
        total: number of distinct sources.
        fractions: sizes as fractions of it.
        smallest: minimum size; smaller parts are left out.
    """
    counts = {round(fraction * total) for fraction in fractions}
    return sorted(count for count in counts if count >= smallest)


def without_sources(pairs: Pairs, others: Pairs, normalize: Callable[[str], str]) -> Pairs:
    """Return the pairs whose source, after normalization, is not a source of other pairs."""
    ours, theirs = (Texts.of(each.sources).hashes(normalize) for each in (pairs, others))
    known = np.isin(ours, theirs)
    return pairs.take(np.flatnonzero(~known)) if known.any() else pairs

"""The models of a learning curve: sizes, subsets, seeds and settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from henkan.errors import DataError
from henkan.selection.subsets import NestedSubsets, source_counts, without_sources
from henkan.selection.training_run import TrainingRun
from henkan.text.counts import counted
from henkan.text.pairs import Pairs
from henkan.text.tokenizer import tokenizers
from henkan.training.choice import Wanted
from henkan.training.job import Variant

FRACTIONS = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)
"""Sizes of the subsets, as fractions of the distinct training sources."""

SEEDS = 3
"""Number of subsets and models of each size."""

MIN_SOURCES = 10
"""Minimum number of distinct sources in a subset. Smaller ones say nothing about larger ones."""


@dataclass(frozen=True)
class CurvePlan:
    """The models of a learning curve.

    Attributes:
        sizes: numbers of distinct sources, in increasing order.
        seeds: number of models of each size.
        runs: the models: for each seed, those of all sizes, the largest first, so that the first models already give a
            curve.
        left_out: number of sizes that are too small.
        sources: number of distinct sources of all pairs.
    """

    sizes: Sequence[int]
    seeds: int
    runs: Sequence[TrainingRun]
    left_out: int
    sources: int

    def size_of(self, number: int) -> int:
        """Return the number of distinct sources of a model."""
        return self.sizes[len(self.sizes) - 1 - number % len(self.sizes)]

    def numbers_of(self, size: int) -> list[int]:
        """Return the models of a size, in the order of their seeds."""
        return [number for number in range(len(self.runs)) if self.size_of(number) == size]


def plan_curve(
    pairs: Pairs,
    validation: Pairs,
    wanted: Wanted,
    *,
    lexicon: bool = False,
    fractions: Sequence[float] = FRACTIONS,
    seeds: int = SEEDS,
) -> CurvePlan:
    """Plan the models of a learning curve.

    Every model has the settings that are chosen for its number of pairs, as if there were no more: with those of all
    pairs, small subsets would be trained with too few updates, and the curve would be too steep. Only the recipe and
    how strings are split into symbols are those of all pairs, because they follow from the kind of the pairs, which a
    small subset may not show.

    Args:
        pairs, validation, wanted, lexicon, fractions, seeds: see `learning_curve` in `learning_curve.py`.

    Raises:
        DataError: if all sizes are too small, or validation sources are also training sources.
    """
    choice = wanted.choose(pairs, lexicon=lexicon)
    normalize = tokenizers(choice.model)[0].normalize
    shared = len(pairs) - len(without_sources(pairs, validation, normalize))
    if shared:
        pairs_have = counted(shared, "pair has", "pairs have")
        raise DataError(f"{pairs_have} a source of the validation set; remove them from the training pairs")
    subsets = NestedSubsets.of(pairs, normalize)
    sizes = source_counts(subsets.sources, fractions, MIN_SOURCES)
    if not sizes:
        raise DataError(
            f"a learning curve needs at least {MIN_SOURCES} distinct sources in a subset, but there are "
            f"{subsets.sources:,} in all; add pairs"
            if subsets.sources < MIN_SOURCES
            else f"all subsets have fewer than {MIN_SOURCES} distinct sources; choose larger sizes"
        )
    variants_of = _by_size(wanted, pairs, lexicon=lexicon)
    first, members = choice.variants[0].training.seed, sum(each.members for each in choice.variants)
    runs = []
    for number in range(seeds):
        seed = first + number * members  # the members of an ensemble have consecutive seeds
        for size in reversed(sizes):
            part = subsets.subset(size, seed)
            runs.append(TrainingRun(part, validation, variants_of(len(part)), seed))
    left_out = len({round(each * subsets.sources) for each in fractions}) - len(sizes)
    return CurvePlan(sizes, seeds, runs, left_out, subsets.sources)


def _by_size(wanted: Wanted, pairs: Pairs, *, lexicon: bool) -> Callable[[int], Sequence[Variant]]:
    """Return a function number of pairs -> settings."""
    known: dict[int, Sequence[Variant]] = {}

    def variants(size: int) -> Sequence[Variant]:
        if size not in known:
            known[size] = wanted.choose(pairs, lexicon=lexicon, size=size).variants
        return known[size]

    return variants

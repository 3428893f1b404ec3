"""Choose the training pairs that a probe is not trained on: the longest sources, and rare symbols and tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from henkan.text.arrays import Array
from henkan.text.source_statistics import SourceStatistics
from henkan.text.tokenizer import Sequences
from henkan.text.training_range import COMBINATION, LONGER, LONGER_NUMBER, SYMBOLS, TAGS

QUANTILE = 0.5
"""Lengths above this quantile are held out, and at least the two largest: this shows how accuracy declines."""

MIN_ROWS = 30
COMBINATION_PROBES = 2
COMBINATION_SHARE = 0.25
"""Number of probes for combinations of tags, and share of the combinations that each of them is not trained on."""

RARE_SHARE = 0.05
MIN_TYPICAL_SHARE = 0.15
MIN_TYPICAL = 50
"""A kind of pairs is held out only if at least this share and this number of pairs remain."""


@dataclass(frozen=True)
class AtypicalRows:
    """Pairs to hold out, by the way in which their sources are outside the data that remain.

    Attributes:
        distances: kind -> (n,) distance of each source from the remaining data (see `TrainingRange.outside`), or nan
            if it is not outside in this way.
        held_out_ids: ids of the symbols that no remaining source has.
    """

    distances: dict[str, Array]
    held_out_ids: Array

    @property
    def typical(self) -> Array:
        """(n,) mask of the remaining pairs."""
        typical: Array = np.all([np.isnan(each) for each in self.distances.values()], axis=0)
        return typical

    def rows(self, kind: str, minimum: int) -> Array:
        """Return the rows that are outside only in this way or, if there are fewer than `minimum`, also in others."""
        outside = ~np.isnan(self.distances[kind])
        others = [~np.isnan(each) for name, each in self.distances.items() if name != kind]
        alone = outside & ~np.any(others, axis=0) if others else outside
        return np.flatnonzero(alone if alone.sum() >= minimum else outside)


def choose_atypical_rows(
    sources: Sequences, symbols: Sequence[str], *, features: bool, unknown: bool, generator: np.random.Generator
) -> list[AtypicalRows]:
    """Choose the pairs to hold out from each probe.

    Combinations of tags have probes of their own, because such data are usually small: without the longest sources too,
    the accuracy of the probe would be too low. There are several, because combinations differ in difficulty.

    Args:
        sources: the sources of n training pairs.
        symbols: the symbol of each id; "" for an id that is not a symbol.
        features: whether sources carry feature tags.
        unknown: whether the model can read unknown symbols.
        generator: draws the combinations of tags.

    Returns:
        the pairs to hold out from each probe.
    """
    found = SourceStatistics(sources, symbols, features=features)
    minimum = max(MIN_TYPICAL, MIN_TYPICAL_SHARE * len(sources))
    candidates = {LONGER: _excess(found.lengths, minimum), LONGER_NUMBER: _excess(found.digits, minimum)}
    rare_ids: dict[str, Array] = {}
    if unknown:
        for kind, wanted in ((SYMBOLS, ~found.is_tag), (TAGS, found.is_tag)):
            rare_ids[kind] = _rare_ids(sources, wanted & np.array([symbol != "" for symbol in symbols]))
            candidates[kind] = _number_with(sources, rare_ids[kind]) - 1
    groups = [_hold_out(candidates, minimum)]
    if features:
        folds = _combinations(found.tag_sets(), generator)
        groups += [_hold_out({COMBINATION: distances}, minimum) for distances in folds]
    none = np.zeros(0, int)
    return [
        AtypicalRows(group, np.concatenate([none, *(ids for kind, ids in rare_ids.items() if kind in group)]))
        for group in groups
        if group
    ]


def _hold_out(candidates: Mapping[str, Array], minimum: float) -> dict[str, Array]:
    """Return the kinds of pairs that can be held out together, so that at least `minimum` pairs remain."""
    chosen: dict[str, Array] = {}
    for kind, distances in candidates.items():
        remaining = np.all([np.isnan(each) for each in (*chosen.values(), distances)], axis=0)
        if remaining.sum() >= minimum and not np.isnan(distances).all():
            chosen[kind] = distances
    return chosen


def _excess(values: Array, minimum: float) -> Array:
    """Return (n,) the relative excess of each value over a limit; nan where a value does not exceed it.

    Two frequent values above the limit show how accuracy declines. If fewer than `minimum` values remain below, it is
    only one. Without a limit, all are nan.
    """
    distinct, counts = np.unique(values, return_counts=True)
    frequent = distinct[counts >= MIN_ROWS]
    limits = [distinct[distinct < value].max(initial=0) for value in frequent[-2:]]
    if len(limits) == 2:
        limits[0] = min(limits[0], int(np.quantile(values, QUANTILE, method="lower")))
    for limit in limits:
        if limit > 0 and (values <= limit).sum() >= minimum:
            return np.where(values > limit, values / limit - 1, np.nan)
    return np.full(len(values), np.nan)


def _combinations(tag_sets: Sequence[tuple[int, ...]], generator: np.random.Generator) -> list[Array]:
    """Draw combinations of tags for each of several probes, different ones whose tags also occur in others.

    Returns:
        for each probe, (n,) 0 for the sources with its combinations and nan for the others.
    """
    distinct = sorted(set(tag_sets))
    order, folds = [distinct[index] for index in generator.permutation(len(distinct)).tolist()], []
    for _ in range(COMBINATION_PROBES):
        occurrences = np.bincount([tag for tags in distinct for tag in tags], minlength=1)
        drawn: set[tuple[int, ...]] = set()
        for tags in order:
            if len(drawn) < COMBINATION_SHARE * len(distinct) and tags and (occurrences[[*tags]] > 1).all():
                drawn.add(tags)
                occurrences[[*tags]] -= 1
        order = [tags for tags in order if tags not in drawn]
        folds.append(np.array([0.0 if tags in drawn else np.nan for tags in tag_sets]))
    return folds


def _rare_ids(sources: Sequences, wanted: Array) -> Array:
    """Return the rarest of the wanted ids, which together occur in few sources."""
    counts = np.bincount(sources.flat, minlength=len(wanted))
    ids = np.flatnonzero(wanted & (counts > 0))
    ids = ids[np.argsort(counts[ids], kind="stable")]
    return ids[np.cumsum(counts[ids]) <= RARE_SHARE * len(sources)]


def _number_with(sources: Sequences, ids: Array) -> Array:
    """Return (n,) the number of distinct given ids in each source; nan for none."""
    is_given = np.zeros(1 + max(sources.flat.max(initial=0), ids.max(initial=0)), bool)
    is_given[ids] = True
    positions = np.flatnonzero(is_given[sources.flat])
    rows = np.searchsorted(sources.offsets, positions, side="right") - 1
    distinct = np.unique(np.stack([rows, sources.flat[positions]]), axis=1)[0]
    counts = np.bincount(distinct, minlength=len(sources)).astype(float)
    counts[counts == 0] = np.nan
    return counts

"""Nested random subsets of pairs."""

import unicodedata
from itertools import pairwise

import pytest

from henkan.selection.subsets import NestedSubsets, source_counts, without_sources
from henkan.text.pairs import Pairs

SOURCES = [f"{letter}{number}" for number in range(30) for letter in "ab"]
PAIRS = Pairs([*SOURCES, *SOURCES[:20]], [*(source.upper() for source in SOURCES), *["other"] * 20])


def rows(pairs):
    return set(zip(pairs.sources, pairs.targets, strict=True))


@pytest.mark.parametrize("seed", range(5))
def test_larger_subsets_contain_smaller_ones(seed):
    subsets = NestedSubsets.of(PAIRS)
    parts = [rows(subsets.subset(size, seed)) for size in (3, 10, 30, 60)]
    assert all(smaller < larger for smaller, larger in pairwise(parts))
    assert parts[-1] == rows(PAIRS)


def test_all_pairs_of_a_source_are_in_the_same_subset():
    subsets = NestedSubsets.of(PAIRS)
    assert subsets.sources == 60
    for size in (5, 20, 40):
        part = subsets.subset(size, 1)
        assert len(set(part.sources)) == size
        assert rows(part) == {pair for pair in rows(PAIRS) if pair[0] in set(part.sources)}


def test_subsets_are_random_and_keep_the_order_of_the_pairs():
    subsets = NestedSubsets.of(PAIRS)
    parts = [list(subsets.subset(10, seed).sources) for seed in (0, 0, 1)]
    assert parts[0] == parts[1] != parts[2]
    order = [source for source in PAIRS.sources if source in parts[0]]
    assert parts[0] == order


def test_sources_that_are_equal_after_normalization_are_one_source():
    pairs = Pairs(["\u00e9", "e\u0301", "e"], ["1", "2", "3"])
    assert NestedSubsets.of(pairs).sources == 3
    assert NestedSubsets.of(pairs, lambda text: unicodedata.normalize("NFC", text)).sources == 2


def test_sizes_are_fractions_of_the_sources_and_not_too_small():
    assert source_counts(400, [1 / 16, 1 / 4, 1, 1.0], 30) == [100, 400]
    assert source_counts(8, [0.5, 1], 10) == []


def test_sources_of_other_pairs_are_left_out():
    left = without_sources(PAIRS, Pairs(["a0", "B1", "none"], ["x", "y", "z"]), str.lower)
    assert set(left.sources) == set(PAIRS.sources) - {"a0", "b1"}
    assert without_sources(PAIRS, Pairs(["none"], ["z"]), str) is PAIRS

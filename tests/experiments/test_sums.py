import re

import numpy as np
import pytest

from henkan.errors import DataError
from henkan.text.pairs import Pairs
from henkan_experiments.sums import Sums, checked_sums, partners


@pytest.mark.parametrize("digits", [(3, 3), (4, 3), (4, 4), (1, 1)])
def test_samples_are_different_sums_with_the_given_digits_in_random_order(digits):
    count = 40
    sums = Sums.sample(count, np.random.default_rng(0), digits=digits)
    pairs = {tuple(sorted(source.split("+"), key=int)) for source in sums.sources}
    assert len(pairs) == count
    assert {tuple(sorted(map(len, pair))) for pair in pairs} == {tuple(sorted(digits))}
    assert (sums.left < sums.right).any()
    assert (sums.left > sums.right).any()
    assert [sum(map(int, source.split("+"))) for source in sums.sources] == list(map(int, sums.targets))


def test_excluded_sums_are_not_sampled_in_either_order():
    known = {(a, b) for a in range(1, 10) for b in range(a, 10) if a < 8}
    sums = Sums.sample(3, np.random.default_rng(0), digits=(1, 1), exclude=known)
    assert {tuple(sorted(pair)) for pair in zip(sums.left, sums.right, strict=True)} == {(8, 8), (8, 9), (9, 9)}


def test_sums_are_checked():
    padded = checked_sums(Pairs(["16+75  ", "5+3"], ["91  ", " 8"]), "addition.txt")
    assert (list(padded.sources), list(padded.targets)) == (["16+75", "5+3"], ["91", "8"])
    for source, target in (("cat", "tac"), ("9+9+9", "27"), ("-5+3", "-2"), ("5+3", "9"), ("5 + 3", "8"), ("٣+1", "4")):
        with pytest.raises(DataError, match=f"^mine.tsv: {re.escape(repr(source))} and '{target}' are not a sum"):
            checked_sums(Pairs(["1+2", source], ["3", target]), "mine.tsv")


def test_digits_and_carries():
    labels = Sums(np.array([758, 104]), np.array([467, 203])).labels()
    assert {name: values.tolist() for name, values in labels.items()} == {
        "left 2": [7, 1],
        "left 1": [5, 0],
        "left 0": [8, 4],
        "right 2": [4, 2],
        "right 1": [6, 0],
        "right 0": [7, 3],
        "answer 3": [1, 0],
        "answer 2": [2, 3],
        "answer 1": [2, 0],
        "answer 0": [5, 7],
        "carry 2": [1, 0],
        "carry 1": [1, 0],
    }


def test_partners_are_different_items_of_the_same_kind():
    assert partners([3, 4, 3, 4, 3, 5]).tolist() == [2, 3, 4, 1, 0, 5]

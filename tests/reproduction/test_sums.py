import numpy as np
import pytest

from henkan.reproduction.sums import Sums, partners


@pytest.mark.parametrize("digits", [(3, 3), (4, 3), (4, 4), (1, 1)])
def test_all_different_and_of_their_digits_in_either_order(digits):
    count = 40
    sums = Sums.drawn(count, np.random.default_rng(0), digits=digits)
    pairs = {tuple(sorted(source.split("+"), key=int)) for source in sums.sources}
    assert len(pairs) == count
    assert {tuple(sorted(map(len, pair))) for pair in pairs} == {tuple(sorted(digits))}
    assert (sums.left < sums.right).any()
    assert (sums.left > sums.right).any()
    assert [sum(map(int, source.split("+"))) for source in sums.sources] == list(map(int, sums.targets))


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


def test_partners_are_others_of_the_same_kind():
    assert partners([3, 4, 3, 4, 3, 5]).tolist() == [2, 3, 4, 1, 0, 5]

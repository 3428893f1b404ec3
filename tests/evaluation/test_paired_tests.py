"""Paired tests agree with published and independently computed values."""

from itertools import product

import numpy as np
import pytest

from henkan.evaluation.paired_tests import holm, mcnemar, randomization_test


@pytest.mark.parametrize(
    ("only_first", "only_second", "p"),
    [
        (0, 0, 1.0),
        (5, 5, 1.0),
        (0, 1, 1.0),
        (0, 6, 2 / 64),
        (1, 9, 22 / 1024),
        (86, 150, 3.715e-05),  # R's binom.test(86, 236)
    ],
)
def test_exact_mcnemar(only_first, only_second, p):
    assert mcnemar(only_first, only_second) == pytest.approx(p, rel=0.02)
    assert mcnemar(only_second, only_first) == mcnemar(only_first, only_second)


def test_exact_mcnemar_is_the_binomial_test():
    stats = pytest.importorskip("scipy.stats")
    for only_first, only_second in ((3, 10), (40, 60), (4900, 5100), (0, 2000)):
        wanted = stats.binomtest(only_first, only_first + only_second).pvalue
        assert mcnemar(only_first, only_second) == pytest.approx(wanted, rel=1e-6)


def rate(sums):
    return sums[..., 0] / sums[..., 1]


def test_randomization_test_agrees_with_all_exchanges():
    """With eight sources, all 256 exchanges can be listed."""
    generator = np.random.default_rng(4)
    values = generator.integers(1, 9, (8, 2, 2))
    values[:, 1, 0] += 2
    observed = abs(rate(values[:, 1].sum(0)) - rate(values[:, 0].sum(0)))
    larger = 0
    for signs in product((0, 1), repeat=8):
        exchanged = np.array([each[::-1] if sign else each for each, sign in zip(values, signs, strict=True)])
        larger += abs(rate(exchanged[:, 1].sum(0)) - rate(exchanged[:, 0].sum(0))) >= observed - 1e-12
    assert 0.01 < larger / 256 < 0.5
    assert randomization_test(values, rate) == pytest.approx(larger / 256, abs=0.02)


def test_randomization_test_of_equal_and_of_very_different_models():
    same = np.tile([[[1, 4], [1, 4]]], (50, 1, 1))
    assert randomization_test(same, rate) == 1
    different = np.tile([[[0, 4], [3, 4]]], (50, 1, 1))
    assert randomization_test(different, rate) == 1 / 10_001


def test_false_alarms_are_as_frequent_as_the_level():
    """If two models are equally good, p is below 0.05 in about 5 % of the test sets, and less for the exact test."""
    generator, small = np.random.default_rng(0), np.zeros(2)
    for _ in range(200):
        edits = generator.binomial(3, 0.2, (60, 2))
        values = np.stack([edits, np.full((60, 2), 6)], axis=-1)
        right = edits == 0
        only = [int((right[:, each] & ~right[:, 1 - each]).sum()) for each in (0, 1)]
        small += mcnemar(*only) < 0.05, randomization_test(values, rate) < 0.05
    assert small[0] <= 0.07 * 200
    assert 0.02 * 200 <= small[1] <= 0.09 * 200


def test_holm():
    """The values of R's p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.9]) == [1, 1]
    assert holm([0.2]) == [0.2]
    assert holm([]) == []

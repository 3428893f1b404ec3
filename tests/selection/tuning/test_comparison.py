"""The comparison of two settings with the same seeds."""

import numpy as np
import pytest

from henkan.selection.tuning.comparison import compare
from henkan.selection.tuning.trial import Measured


def results(probabilities, seeds=3, seed=0):
    """Results of models that are right with these probabilities, by source."""
    generator = np.random.default_rng(seed)
    rights = [generator.random(len(probabilities)) < probabilities for _ in range(seeds)]
    return [Measured(float(right.mean()), float(right.mean()), right.tolist(), 1, 1.0) for right in rights]


def test_means_and_deviations():
    defaults = [Measured(0.5, match, [True] * 9, 1, 1.0) for match in (0.5, 0.6, 0.7)]
    others = [Measured(0.5, match, [True] * 9, 1, 1.0) for match in (0.7, 0.7, 0.7)]
    found = compare(defaults, others, same_sources=True)
    assert found.means == pytest.approx((0.6, 0.7))
    assert found.deviations == pytest.approx((0.1, 0.0))
    assert found.gain == pytest.approx(0.1)
    assert found.error == pytest.approx(0.1 / 3**0.5)  # differences of the seeds: 0.2, 0.1, 0


def test_equal_models_are_unclear_and_large_differences_are_not():
    rows = np.random.default_rng(1).random(500)
    unclear = [compare(results(rows, seed=k), results(rows, seed=50 + k), same_sources=True) for k in range(40)]
    assert sum(each.verdict != "unclear" for each in unclear) <= 4
    better = compare(results(rows * 0.7), results(rows, seed=9), same_sources=True)
    assert better.verdict == "better"
    low, high = better.interval
    assert low < better.gain < high
    assert compare(results(rows, seed=9), results(rows * 0.7), same_sources=True).verdict == "worse"


def test_other_sources_for_each_seed_are_more_sources():
    rows = np.full(200, 0.5)
    pairs = [(results(rows, seed=k), results(rows, seed=100 + k)) for k in range(30)]
    same, other = (np.mean([compare(*each, same_sources=same).error for each in pairs]) for same in (True, False))
    assert other == pytest.approx(same, rel=0.35)

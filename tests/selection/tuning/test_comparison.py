"""The comparison of two settings with the same seeds."""

import numpy as np
import pytest

from henkan.selection.tuning.comparison import compare, t_quantile
from henkan.selection.tuning.trial import TrialResult


def results(probabilities, seeds=3, seed=0):
    """Results of models that are right with these probabilities, by source."""
    generator = np.random.default_rng(seed)
    rights = [generator.random(len(probabilities)) < probabilities for _ in range(seeds)]
    return [TrialResult(float(right.mean()), float(right.mean()), right.tolist(), 1, 1.0) for right in rights]


def test_means_and_deviations():
    defaults = [TrialResult(0.5, match, [True] * 9, 1, 1.0) for match in (0.5, 0.6, 0.7)]
    others = [TrialResult(0.5, match, [True] * 9, 1, 1.0) for match in (0.7, 0.7, 0.7)]
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


def crossed(generator, sources, seeds=3, by_source=0.1, by_seed=0.0):
    """Results of two equally good settings, where sources and seeds favour one or the other."""
    shift = generator.normal(0, by_source, sources) + generator.normal(0, by_seed, (seeds, 1))
    rights = [generator.random((seeds, sources)) < 0.5 + sign * shift / 2 for sign in (-1, 1)]
    return [
        [TrialResult(float(row.mean()), float(row.mean()), row.tolist(), 1, 1.0) for row in each] for each in rights
    ]


@pytest.mark.parametrize(("by_source", "by_seed"), [(0.9, 0.0), (0.0, 0.1), (0.4, 0.03)])
def test_intervals_contain_no_difference_in_about_95_of_100_cases(by_source, by_seed):
    generator = np.random.default_rng(2)
    drawn = [crossed(generator, 300, by_source=by_source, by_seed=by_seed) for _ in range(200)]
    shown = sum(compare(*each, same_sources=True).verdict != "unclear" for each in drawn)
    assert 1 <= shown <= 18


def test_sources_that_every_seed_has_count_once():
    """Three seeds do not make three validation sets of one: the error would be too small by the root of three."""
    right = np.arange(100) < 40
    defaults = [TrialResult(0.4, 0.4, right.tolist(), 1, 1.0)] * 3
    others = [TrialResult(0.5, 0.5, (np.arange(100) < 50).tolist(), 1, 1.0)] * 3
    differences = np.repeat([0.0, 1.0], (90, 10))
    error = differences.std(ddof=1) / 10
    assert compare(defaults, others, same_sources=True).error == pytest.approx(error)
    assert compare(defaults, others, same_sources=False).error == pytest.approx(error / 3**0.5)


def test_what_sources_and_seeds_both_contain_counts_once():
    def of(row):
        return TrialResult(*2 * [sum(row) / 4], [bool(each) for each in row], 1, 1.0)

    rows = [[0, 1, 1, 0], [1, 1, 1, 1]]
    found = compare([of([0] * 4)] * 2, [of(row) for row in rows], same_sources=True)
    seeds, sources, both = 0.125 / 2, (1 / 12) / 4, (1 / 6) / 8  # variances: means, columns, residuals
    assert found.gain == 0.75
    assert found.error == pytest.approx((seeds + sources - both) ** 0.5)


def test_interval_has_few_degrees_of_freedom_if_seeds_differ():
    defaults = [TrialResult(0.5, match, [True] * 9, 1, 1.0) for match in (0.5, 0.6, 0.7)]
    others = [TrialResult(0.5, 0.7, [True] * 9, 1, 1.0)] * 3
    found = compare(defaults, others, same_sources=True)
    assert found.freedom == pytest.approx(2)
    assert found.interval[1] - found.gain == pytest.approx(4.3027 * found.error, rel=1e-4)  # t with 2 degrees


@pytest.mark.parametrize(
    ("level", "freedom", "quantile"), [(0.95, 1, 12.7062), (0.95, 10, 2.2281), (0.9, 5, 2.0150), (0.95, 1e9, 1.96)]
)
def test_quantiles_of_t(level, freedom, quantile):
    assert t_quantile(level, freedom) == pytest.approx(quantile, abs=3e-4)

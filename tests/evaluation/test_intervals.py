"""95 % intervals contain the true value in about 95 % of simulated test sets, and have sensible limits at 0 and 1."""

import numpy as np
import pytest

from henkan.evaluation import intervals as module
from henkan.evaluation.error_rates import rate_intervals
from henkan.evaluation.intervals import Interval, intervals

UNBOUNDED = [(-np.inf, np.inf)]


def test_set(generator, count, wrong):
    """Errors of predictions of which a share is wrong, with 1.7 edits on average, in targets of 3 to 11 symbols."""
    is_wrong = generator.random(count) < wrong
    edits = np.where(is_wrong, 1 + generator.poisson(0.7, count), 0)
    return np.stack([~is_wrong, edits, generator.integers(3, 12, count)], axis=1).astype(np.int64)


test_set.__test__ = False


@pytest.mark.parametrize(("count", "wrong"), [(30, 0.1), (100, 0.02), (100, 0.4), (400, 0.1)])
def test_intervals_contain_the_true_rates(monkeypatch, count, wrong):
    """In 92 to 98 % of 500 test sets; in more if few predictions are wrong, because exact match is a count."""
    monkeypatch.setattr(module, "RESAMPLES", 4000)
    generator = np.random.default_rng(0)
    hits = np.zeros(2)
    for _ in range(500):
        exact, symbol = rate_intervals(test_set(generator, count, wrong))
        hits += exact.low <= 1 - wrong <= exact.high, symbol.low <= wrong * 1.7 / 7 <= symbol.high
    assert hits.min() >= 0.92 * 500
    assert hits.max() <= (0.995 if count * wrong < 5 else 0.98) * 500


def test_interval_is_that_of_scipy(monkeypatch):
    """The same BCa limits as an independent implementation, up to the randomness of the samples."""
    stats = pytest.importorskip("scipy.stats")
    monkeypatch.setattr(module, "RESAMPLES", 50_000)
    values = test_set(np.random.default_rng(1), 80, 0.2)
    rows = (values[:, 1], values[:, 2])
    wanted = stats.bootstrap(
        rows, lambda edits, symbols, axis=-1: edits.sum(axis) / symbols.sum(axis), paired=True, vectorized=True,
        n_resamples=50_000, random_state=0, method="BCa",
    ).confidence_interval  # fmt: skip
    found = rate_intervals(values)[1]
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high), rel=0.03)
    percentile = np.quantile(
        module.resampled(values[:, 1:], lambda sums: sums[..., :1] / sums[..., 1:]), [0.025, 0.975]
    )
    assert abs(found.high - percentile[1]) > 0.03 * percentile[1]  # rates near 0 are skewed


@pytest.mark.parametrize(("count", "low"), [(1, 0.2065), (10, 0.7225), (100, 0.9630)])
def test_exact_match_of_0_or_100_percent_has_the_interval_of_wilson(count, low):
    """Values of the score interval without continuity correction, as in R's binom.confint(..., "wilson")."""
    right = np.tile([1, 0, 5], (count, 1))
    wrong = np.tile([0, 5, 5], (count, 1))
    assert rate_intervals(right)[0] == pytest.approx((low, 1), abs=1e-4)
    assert rate_intervals(right)[1] == pytest.approx((0, 1 - low), abs=1e-4)
    assert rate_intervals(wrong)[0] == pytest.approx((0, 1 - low), abs=1e-4)
    assert rate_intervals(wrong)[1] == pytest.approx((low, 2 - low), abs=1e-4)


def test_no_sources_have_an_interval_without_information():
    assert rate_intervals(np.zeros((0, 3), np.int64)) == ((0, 1), (0, 1))


def test_intervals_do_not_depend_on_the_order_of_the_sources_or_on_memory(monkeypatch):
    values = test_set(np.random.default_rng(2), 200, 0.3)
    whole = rate_intervals(values)
    assert rate_intervals(values[::-1]) == whole == rate_intervals(values)
    monkeypatch.setattr(module, "DRAWN_AT_A_TIME", 1)
    monkeypatch.setattr(module, "RESAMPLES", 300)
    one_at_a_time = rate_intervals(values)
    assert one_at_a_time[0].low == pytest.approx(whole[0].low, abs=0.03)


def test_samples_are_drawn_from_the_sources():
    """The spread of the samples is the standard error of the mean."""
    values = np.random.default_rng(3).normal(size=(50, 1))
    samples = module.resampled(values, lambda sums: sums / 50)
    assert samples.shape == (10_000, 1)
    assert samples.std() == pytest.approx(values.std() / np.sqrt(50), rel=0.03)
    assert samples.mean() == pytest.approx(values.mean(), abs=0.01)
    (found,) = intervals(values, lambda sums: sums / 50, UNBOUNDED)
    assert found.low < values.mean() < found.high


def test_complement_of_an_interval():
    assert Interval(0.25, 0.75).complement() == (0.25, 0.75)
    assert Interval(0.5, 0.75).complement() == (0.25, 0.5)

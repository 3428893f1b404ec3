from math import sqrt

import numpy as np
import pytest

from henkan.nn import Adam, clip_by_global_norm, one_cycle


@pytest.mark.parametrize("decay", [0, 0.1])
def test_adam_matches_the_formula(decay):
    weights, adam = np.array([1.0]), Adam(1, np.dtype(np.float64), beta2=0.99, weight_decay=decay)
    w = 1.0
    m = v = 0.0
    for t, g in enumerate((0.5, -2.0, 0.1), start=1):
        adam.update(weights, np.array([g]), 0.01)
        m = 0.9 * m + 0.1 * g
        v = 0.99 * v + 0.01 * g * g
        w -= 0.01 * decay * w
        w -= 0.01 * (m / (1 - 0.9**t)) / (sqrt(v / (1 - 0.99**t)) + 1e-8)
        assert weights[0] == pytest.approx(w, rel=1e-12)


def test_clipping_scales_only_gradients_above_the_limit():
    gradient = np.array([3.0, 4.0])
    assert clip_by_global_norm(gradient, 10) == 5
    assert gradient.tolist() == [3, 4]
    assert clip_by_global_norm(gradient, 1) == 5
    np.testing.assert_allclose(gradient, [0.6, 0.8])


def test_one_cycle_rises_to_the_peak_and_falls_to_almost_zero():
    rates = [one_cycle(step, 100, 1.0, 0.2) for step in range(100)]
    assert rates[0] < 0.05
    assert rates.index(max(rates)) in (19, 20)
    assert max(rates) == pytest.approx(1, abs=0.01)
    assert rates[:20] == sorted(rates[:20])
    assert rates[20:] == sorted(rates[20:], reverse=True)
    assert 0 < rates[-1] < 1e-3


def test_one_cycle_without_warmup_starts_at_the_peak():
    assert one_cycle(0, 10, 1.0, 0.0) == pytest.approx(1, abs=0.01)

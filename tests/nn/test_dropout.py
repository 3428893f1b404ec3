import numpy as np
import pytest

from henkan.nn import dropout, gradient_check


def test_dropout_keeps_the_mean_and_all_steps_share_a_mask():
    y, _ = dropout(np.ones((5, 40, 50)), 0.4, np.random.default_rng(0))
    assert set(np.unique(y)) == {0, 1 / (1 - 0.4)}
    assert (y == 0).mean() == pytest.approx(0.4, abs=0.03)
    np.testing.assert_array_equal(y, np.broadcast_to(y[0], y.shape))


def test_no_dropout_without_a_generator_or_with_rate_zero():
    x = np.ones((2, 3, 4))
    assert dropout(x, 0.5, None)[0] is x
    assert dropout(x, 0.0, np.random.default_rng(0))[0] is x


def test_gradient():
    x, dy = np.random.default_rng(0).normal(size=(2, 2, 3, 4))
    dx = dropout(x, 0.5, np.random.default_rng(1))[1](dy)
    gradient_check(lambda: float((dropout(x, 0.5, np.random.default_rng(1))[0] * dy).sum()), {"x": x}, {"x": dx})

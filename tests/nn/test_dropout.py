import numpy as np
import pytest

from henkan.nn import dropout, gradient_check


def test_the_mean_stays_and_all_steps_share_a_mask():
    y, _ = dropout(np.ones((5, 40, 50)), 0.4, np.random.default_rng(0))
    assert set(np.unique(y)) == {0, 1 / (1 - 0.4)}
    assert (y == 0).mean() == pytest.approx(0.4, abs=0.03)
    np.testing.assert_array_equal(y, np.broadcast_to(y[0], y.shape))


def test_no_dropout_without_a_generator_or_a_rate():
    x = np.ones((2, 3, 4))
    assert dropout(x, 0.5, None)[0] is x
    assert dropout(x, 0.0, np.random.default_rng(0))[0] is x


def test_derivative_of_dropout():
    x, wanted = np.random.default_rng(0).normal(size=(2, 2, 3, 4))
    dx = dropout(x, 0.5, np.random.default_rng(1))[1](wanted)
    gradient_check(lambda: float((dropout(x, 0.5, np.random.default_rng(1))[0] * wanted).sum()), {"x": x}, {"x": dx})

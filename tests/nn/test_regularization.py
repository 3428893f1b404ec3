import numpy as np
import pytest

from henkan.nn import dropout, gradient_check, output_loss


def test_the_mean_stays_and_every_step_leaves_out_the_same():
    y, _ = dropout(np.ones((5, 40, 50)), 0.4, np.random.default_rng(0))
    assert set(np.unique(y)) == {0, 1 / (1 - 0.4)}
    assert (y == 0).mean() == pytest.approx(0.4, abs=0.03)
    np.testing.assert_array_equal(y, np.broadcast_to(y[0], y.shape))


def test_nothing_is_left_out_without_a_generator_or_a_rate():
    x = np.ones((2, 3, 4))
    assert dropout(x, 0.5, None)[0] is x
    assert dropout(x, 0.0, np.random.default_rng(0))[0] is x


def test_derivative_of_dropout():
    x, wanted = np.random.default_rng(0).normal(size=(2, 2, 3, 4))
    dx = dropout(x, 0.5, np.random.default_rng(1))[1](wanted)
    gradient_check(lambda: float((dropout(x, 0.5, np.random.default_rng(1))[0] * wanted).sum()), {"x": x}, {"x": dx})


def test_smoothed_loss_by_hand():
    hs = np.log(np.array([[[1.0, 3.0]]]))
    loss, backward = output_loss(hs, np.eye(2), np.zeros(2), np.array([[1]]), np.ones((1, 1), bool), smoothing=0.2)
    assert loss == pytest.approx(-(0.9 * np.log(0.75) + 0.1 * np.log(0.25)), rel=1e-14)
    np.testing.assert_allclose(backward()[0], [[[0.25 - 0.1, 0.75 - 0.9]]], rtol=1e-14)


@pytest.mark.parametrize("peeking", [True, False])
def test_derivative_of_the_smoothed_loss(peeking):
    generator = np.random.default_rng(0)
    arrays = {"hs": generator.normal(size=(2, 3, 4)), "W": generator.normal(size=(4, 5)), "b": generator.normal(size=5)}
    if peeking:
        arrays["scores"] = generator.normal(size=(3, 5))
    ids, valid = generator.integers(5, size=(2, 3)), np.array([[True, True, True], [True, False, True]])

    def run():
        return output_loss(**arrays, ids=ids, valid=valid, smoothing=0.3)

    gradients = dict(zip(("hs", "W", "b", "scores"), run()[1](), strict=True))
    gradient_check(lambda: run()[0], arrays, {name: gradients[name] for name in arrays})

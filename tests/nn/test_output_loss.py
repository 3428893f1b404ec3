from math import log

import numpy as np
import pytest

from henkan.nn import LossTargets, gradient_check, log_softmax, output_loss

LOGITS = np.log(np.array([[[1.0, 3.0], [2.0, 2.0]]]))  # one step of two sequences
IDENTITY, ZERO = np.eye(2), np.zeros(2)


def test_loss_matches_a_hand_computed_example():
    loss, backward = output_loss(LOGITS, IDENTITY, ZERO, LossTargets(np.array([[1, 0]]), np.ones((1, 2), bool)))
    assert loss == pytest.approx(-(log(0.75) + log(0.5)) / 2, rel=1e-14)
    gradients = backward()
    np.testing.assert_allclose(gradients.dhs, [[[0.125, -0.125], [-0.25, 0.25]]], rtol=1e-14)
    np.testing.assert_allclose(gradients.db, [-0.125, 0.125], rtol=1e-14)
    assert gradients.dscores is None


def test_padding_does_not_affect_the_loss():
    loss, backward = output_loss(LOGITS, IDENTITY, ZERO, LossTargets(np.array([[1, 0]]), np.array([[True, False]])))
    assert loss == pytest.approx(-log(0.75), rel=1e-14)
    np.testing.assert_allclose(backward().dhs, [[[0.25, -0.25], [0, 0]]], rtol=1e-14)


def test_label_smoothing_matches_a_hand_computed_example():
    hs = np.log(np.array([[[1.0, 3.0]]]))
    targets = LossTargets(np.array([[1]]), np.ones((1, 1), bool), smoothing=0.2)
    loss, backward = output_loss(hs, IDENTITY, ZERO, targets)
    assert loss == pytest.approx(-(0.9 * log(0.75) + 0.1 * log(0.25)), rel=1e-14)
    np.testing.assert_allclose(backward().dhs, [[[0.25 - 0.1, 0.75 - 0.9]]], rtol=1e-14)


def test_large_scores_do_not_overflow():
    np.testing.assert_allclose(log_softmax(np.array([1000.0, 0.0, -1000.0])), [0, -1000, -2000])
    loss, _ = output_loss(LOGITS, 1e4 * IDENTITY, ZERO, LossTargets(np.array([[0, 0]]), np.array([[True, False]])))
    assert loss == pytest.approx(1e4 * log(3), rel=1e-14)


def random_inputs():
    generator = np.random.default_rng(0)
    shapes = {"hs": (3, 4, 5), "W": (5, 6), "b": (6,), "scores": (4, 6)}
    valid = np.array([[True] * 4, [True, True, False, True], [False, True, False, False]])
    return {n: generator.normal(size=s) for n, s in shapes.items()}, generator.integers(6, size=(3, 4)), valid


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("divisor", [0, 9])
@pytest.mark.parametrize("with_scores", [True, False])
def test_gradients(smoothing, divisor, with_scores):
    arrays, ids, valid = random_inputs()
    if not with_scores:
        del arrays["scores"]

    def run():
        return output_loss(**arrays, targets=LossTargets(ids, valid, smoothing, divisor))

    gradients = dict(zip(("hs", "W", "b", "scores"), run()[1](), strict=True))
    gradient_check(lambda: run()[0], arrays, {name: gradients[name] for name in arrays})


def test_losses_of_shards_add_up():
    arrays, ids, valid = random_inputs()
    hs, W, b, scores = arrays.values()
    total = output_loss(hs, W, b, LossTargets(ids, valid), scores=scores)[0]
    shards = (slice(2), slice(2, 4))
    losses = [
        output_loss(hs[:, shard], W, b, LossTargets(ids[:, shard], valid[:, shard], divisor=8), scores=scores[shard])[0]
        for shard in shards
    ]
    assert sum(losses) == pytest.approx(total, rel=1e-14)

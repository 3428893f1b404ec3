from math import log

import numpy as np
import pytest

from henkan.nn import LossTargets, OutputLayer, Pointer, copy_log_probabilities, copy_loss, gradient_check
from henkan.nn.attention import masked_softmax

LAYER = OutputLayer(np.eye(2), np.zeros(2))
HALF = np.zeros((1, 1))  # logit of the probability 1/2 of copying


def test_loss_matches_a_hand_computed_example():
    """Half of the probability is that of the vocabulary, 1/4 and 3/4; half is that of copies: 0, 2/3 and 1/3."""
    hs = np.log(np.array([[[1.0, 3.0]]]))
    attention, copy_ids = np.array([[[0.3, 0.1, 0.1, 0.2, 0.3]]]), np.array([[1], [1], [2], [1], [-1]])
    pointer = Pointer(HALF, attention, copy_ids)
    for target, probability in enumerate([1 / 8, 3 / 8 + 3 / 7, 1 / 14]):
        loss, _ = copy_loss(hs, LAYER, LossTargets(np.array([[target]]), np.ones((1, 1), bool)), pointer)
        assert loss == pytest.approx(-log(probability), rel=1e-14)
    logs = copy_log_probabilities(np.log([[1 / 4, 3 / 4]]), HALF[0], attention[0], copy_ids)
    np.testing.assert_allclose(np.exp(logs), [[1 / 8, 3 / 8 + 3 / 7, 1 / 14, 0, 0, 0, 0]], rtol=1e-14)


def test_label_smoothing_matches_a_hand_computed_example():
    hs = np.log(np.array([[[1.0, 3.0]]]))
    targets = LossTargets(np.array([[2]]), np.ones((1, 1), bool), smoothing=0.2)
    loss, _ = copy_loss(hs, LAYER, targets, Pointer(HALF, np.ones((1, 1, 1)), np.array([[2]])))
    assert loss == pytest.approx(-0.8 * log(1 / 2) - 0.1 * (log(1 / 4) + log(3 / 4)), rel=1e-14)


def test_symbols_that_nothing_attends_to_can_still_be_copied():
    """The weights of float32 end at 1e-45; then all symbols that can be copied share the probability."""
    logs = copy_log_probabilities(
        np.log(np.array([[1.0]], np.float32)),
        np.zeros(1, np.float32),
        np.array([[1, 0, 0]], np.float32),
        np.array([[-1], [1], [2]]),
    )
    np.testing.assert_allclose(np.exp(logs), [[1 / 2, 1 / 4, 1 / 4, 0]], rtol=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("divisor", [0, 9])
@pytest.mark.parametrize("with_scores", [True, False])
def test_gradients(smoothing, divisor, with_scores):
    generator = np.random.default_rng(0)
    shapes = {"hs": (3, 4, 5), "W": (5, 6), "b": (6,), "scores": (4, 6), "gates": (3, 4), "energies": (4, 3, 5)}
    arrays = {name: generator.normal(size=shape) for name, shape in shapes.items()}
    if not with_scores:
        del arrays["scores"]
    copy_ids = np.array([[0, 6, -1, -1], [3, 1, 2, -1], [7, -1, 7, -1], [3, 6, 7, -1], [-1, -1, -1, -1]])
    ids = np.array([[3, 6, 7, 1], [7, 1, 0, 2], [0, 4, 2, 5]])
    valid = np.array([[True] * 4, [True, True, False, True], [False, True, False, False]])

    def run():
        attention = masked_softmax(arrays["energies"], (np.arange(5) < 4)[None, None])
        targets, layer = LossTargets(ids, valid, smoothing, divisor), OutputLayer(arrays["W"], arrays["b"])
        pointer = Pointer(arrays["gates"], attention, copy_ids)
        return copy_loss(arrays["hs"], layer, targets, pointer, scores=arrays.get("scores"))

    (dhs, dW, db, dscores), dgates, denergies = run()[1]()
    gradients = {"hs": dhs, "W": dW, "b": db, "scores": dscores, "gates": dgates, "energies": denergies}
    gradient_check(lambda: run()[0], arrays, {name: gradients[name] for name in arrays})

from math import log

import numpy as np
import pytest

from henkan.nn import gradient_check, log_softmax, softmax_cross_entropy


def test_loss_by_hand():
    logits = np.log(np.array([[1.0, 3.0], [2.0, 2.0]]))
    loss, backward = softmax_cross_entropy(logits, np.array([1, 0]))
    assert loss == pytest.approx(-(log(0.75) + log(0.5)) / 2, rel=1e-14)
    np.testing.assert_allclose(backward(), [[0.125, -0.125], [-0.25, 0.25]], rtol=1e-14)


def test_huge_scores_do_not_overflow():
    np.testing.assert_allclose(log_softmax(np.array([1000.0, 0.0, -1000.0])), [0, -1000, -2000])


@pytest.mark.parametrize("count", [None, 9])
def test_derivative(count):
    generator = np.random.default_rng(0)
    logits, targets = generator.normal(size=(4, 3)), np.array([0, 2, 1, 2])
    _, backward = softmax_cross_entropy(logits, targets, count)
    gradient_check(lambda: softmax_cross_entropy(logits, targets, count)[0], {"logits": logits}, {"logits": backward()})


def test_parts_of_a_batch_add_up():
    generator = np.random.default_rng(0)
    logits, targets = generator.normal(size=(5, 3)), np.array([0, 2, 1, 2, 0])
    whole = softmax_cross_entropy(logits, targets)[0]
    parts = [softmax_cross_entropy(logits[part], targets[part], 5)[0] for part in (slice(2), slice(2, 5))]
    assert sum(parts) == pytest.approx(whole, rel=1e-14)

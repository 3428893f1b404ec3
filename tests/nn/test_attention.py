import numpy as np
import pytest

from henkan.nn import attention, gradient_check

VALID = np.array([[True, True, False], [True, False, False], [True, False, False], [True, False, False]])


def arrays():
    generator = np.random.default_rng(0)
    shapes = {"queries": (2, 3, 5), "keys": (4, 3, 5), "values": (4, 3, 6)}
    return {name: generator.normal(size=shape) for name, shape in shapes.items()}


def test_attention_matches_a_hand_computed_example():
    queries = np.array([[[np.log(3.0)]]])
    contexts, weights, _ = attention(
        queries, np.array([[[1.0]], [[0.0]]]), np.array([[[4.0]], [[8.0]]]), np.ones((2, 1), bool)
    )
    np.testing.assert_allclose(weights, [[[0.75, 0.25]]], rtol=1e-14)
    np.testing.assert_allclose(contexts, [[[5.0]]], rtol=1e-14)


def test_padding_gets_no_weight_and_an_empty_source_a_zero_context():
    inputs = arrays()
    inputs["keys"][~VALID] = 1e6
    contexts, weights, _ = attention(**inputs, valid=VALID)
    assert not weights[:, :, :].transpose(1, 2, 0)[:, ~VALID].any()
    np.testing.assert_allclose(weights.sum(axis=2), [[1, 1], [1, 1], [0, 0]])
    np.testing.assert_allclose(contexts[:, 1], inputs["values"][0, 1] * np.ones((2, 1)))
    assert not contexts[:, 2].any()


def test_gradients():
    inputs = arrays()
    dcontexts = np.random.default_rng(1).normal(size=(2, 3, 6))
    gradients = dict(zip(inputs, attention(**inputs, valid=VALID)[2](dcontexts), strict=True))
    gradient_check(lambda: float((attention(**inputs, valid=VALID)[0] * dcontexts).sum()), inputs, gradients)


def test_batch_without_source_steps():
    inputs = arrays() | {"keys": np.zeros((0, 3, 5)), "values": np.zeros((0, 3, 6))}
    contexts, weights, backward = attention(**inputs, valid=np.zeros((0, 3), bool))
    assert weights.shape == (3, 2, 0)
    assert not contexts.any()
    assert not backward(contexts)[0].any()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_large_scores_do_not_overflow(dtype):
    inputs = {name: (1e4 * array).astype(dtype) for name, array in arrays().items()}
    _, weights, _ = attention(**inputs, valid=VALID)
    assert weights.dtype == dtype
    assert np.isfinite(weights).all()

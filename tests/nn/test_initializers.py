import numpy as np
import pytest

from henkan.nn import forget_bias, normal, orthogonal_gates, scaled_normal, zeros


@pytest.fixture
def generator():
    return np.random.default_rng(0)


@pytest.mark.parametrize("initializer", [zeros, forget_bias])
def test_constant_initializers_draw_no_random_numbers(generator, initializer):
    before = generator.bit_generator.state
    array = initializer((8,), generator)
    assert generator.bit_generator.state == before
    assert array.dtype == np.float64
    assert array.shape == (8,)


def test_zeros(generator):
    assert not zeros((3, 4), generator).any()


def test_forget_bias_is_one_in_the_second_quarter(generator):
    assert forget_bias((8,), generator).tolist() == [0, 0, 1, 1, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("initializer", "deviation"),
    [(normal(0.01), 0.01), (normal(1), 1), (scaled_normal(), 60**-0.5), (scaled_normal(fan_in=200), 200**-0.5)],
)
def test_normal_initializers_draw_the_array_in_one_call(generator, initializer, deviation):
    array = initializer((60, 50), generator)
    assert array.std() == pytest.approx(deviation, rel=0.05)
    np.testing.assert_array_equal(array, np.random.default_rng(0).normal(0, deviation, (60, 50)))


def test_orthogonal_gates_are_orthogonal_and_different(generator):
    gates = np.split(orthogonal_gates((16, 64), generator), 4, axis=1)
    for gate in gates:
        np.testing.assert_allclose(gate.T @ gate, np.eye(16), atol=1e-12)
    assert not np.allclose(gates[0], gates[1])


def test_orthogonal_gates_are_drawn_one_by_one(generator):
    W = orthogonal_gates((4, 16), generator)
    same_generator = np.random.default_rng(0)
    for gate in np.split(W, 4, axis=1):
        drawn = same_generator.normal(size=(4, 4))
        R = gate.T @ drawn  # drawn = gate R, and R is upper triangular with a positive diagonal
        np.testing.assert_allclose(R, np.triu(R), atol=1e-12)
        assert (np.diag(R) > 0).all()


def test_orthogonal_gates_reject_other_shapes(generator):
    with pytest.raises(ValueError, match=r"\(H, 4H\), not \(4, 12\)"):
        orthogonal_gates((4, 12), generator)

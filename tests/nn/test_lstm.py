from math import exp, tanh

import numpy as np
import pytest

from henkan.nn import GradientError, gradient_check, lstm


def sigmoid(x):
    return 1 / (1 + exp(-x))


@pytest.fixture
def arrays():
    generator = np.random.default_rng(1)
    shapes = {"inputs": (4, 3, 8), "h0": (3, 2), "c0": (3, 2), "Wh": (2, 8)}
    return {name: generator.normal(size=shape) for name, shape in shapes.items()}


def test_one_cell_by_the_formula():
    a = [0.3, -0.2, 0.9, 0.5]  # input, forget, cell, output
    hs, cs, _ = lstm(np.array([[a]]), np.array([[0.4]]), np.array([[-0.7]]), np.array([[0.1, 0.2, 0.3, 0.4]]))
    i, f, o = (sigmoid(a[k] + 0.4 * w) for k, w in ((0, 0.1), (1, 0.2), (3, 0.4)))
    c = f * -0.7 + i * tanh(a[2] + 0.4 * 0.3)
    assert cs[1, 0, 0] == pytest.approx(c, rel=1e-14)
    assert hs[1, 0, 0] == pytest.approx(o * tanh(c), rel=1e-14)


def test_ended_sequences_keep_their_states(arrays):
    hs, cs, _ = lstm(**arrays, active=np.array([3, 2, 2, 1]))
    for row, length in enumerate((4, 3, 1)):
        alone = {
            name: array[:, row : row + 1] if name == "inputs" else array[row : row + 1]
            for name, array in arrays.items()
        }
        alone["inputs"], alone["Wh"] = alone["inputs"][:length], arrays["Wh"]
        hs_alone, cs_alone, _ = lstm(**alone)
        np.testing.assert_allclose(hs[-1, row], hs_alone[-1, 0], rtol=1e-13)
        np.testing.assert_allclose(cs[-1, row], cs_alone[-1, 0], rtol=1e-13)


@pytest.mark.parametrize("active", [None, np.array([3, 2, 2, 1]), np.array([3, 3, 0, 0])])
@pytest.mark.parametrize("given", ["every h", "last h", "last c", "all"])
def test_derivative(arrays, active, given):
    generator = np.random.default_rng(2)
    dhs = generator.normal(size=(4, 3, 2)) if given in ("every h", "all") else None
    dh = generator.normal(size=(3, 2)) if given in ("last h", "all") else None
    dc = generator.normal(size=(3, 2)) if given in ("last c", "all") else None

    def loss():
        hs, cs, _ = lstm(**arrays, active=active)
        parts = ((hs[1:], dhs), (hs[-1], dh), (cs[-1], dc))
        return float(sum((value * gradient).sum() for value, gradient in parts if gradient is not None))

    _, _, backward = lstm(**arrays, active=active)
    gradients = dict(zip(("inputs", "h0", "c0", "Wh"), backward(dhs, dh, dc), strict=True))
    gradient_check(loss, arrays, gradients)


def test_backward_can_be_called_again_and_leaves_its_arguments_alone(arrays):
    _, _, backward = lstm(**arrays)
    dhs, dh, dc = np.ones((4, 3, 2)), np.ones((3, 2)), np.ones((3, 2))
    first = backward(dhs, dh, dc)
    for one, two in zip(first, backward(dhs, dh, dc), strict=True):
        np.testing.assert_array_equal(one, two)
    assert (dh == 1).all()
    assert (dc == 1).all()


def test_a_wrong_derivative_is_found(arrays):
    _, _, backward = lstm(**arrays)
    dinputs, dh0, dc0, dWh = backward(np.ones((4, 3, 2)), None, None)
    dWh[1, 3] *= 1.001

    def loss():
        return float(lstm(**arrays)[0][1:].sum())

    with pytest.raises(GradientError, match=r"derivative of Wh\[1, 3\]"):
        gradient_check(loss, arrays, {"inputs": dinputs, "h0": dh0, "c0": dc0, "Wh": dWh})

from math import exp, tanh

import numpy as np
import pytest

from henkan.nn import GradientError, gradient_check, lstm

INDICES = np.array([[0, 1, 2], [2, 2, 4], [1, 0, 3], [4, 0, 0]])
MORE = np.array([[1, 1, 0], [0, 0, 2], [2, 1, 1], [0, 0, 0]])
NAMES = ("table", "more", "context", "h0", "c0", "Wh")


def sigmoid(x):
    return 1 / (1 + exp(-x))


def run(arrays, indices=INDICES, active=None):
    table, Wh = arrays["table"], arrays["Wh"]
    state = (arrays["h0"], arrays["c0"]) if "h0" in arrays else None
    more = (arrays["more"], MORE) if "more" in arrays else None
    return lstm((table, indices), state, Wh, more=more, context=arrays.get("context"), active=active)


@pytest.fixture
def arrays():
    generator = np.random.default_rng(1)
    shapes = {"table": (5, 8), "more": (3, 8), "context": (3, 8), "h0": (3, 2), "c0": (3, 2), "Wh": (2, 8)}
    return {name: generator.normal(size=shape) for name, shape in shapes.items()}


def test_single_step_matches_the_formula():
    a, u = [0.3, -0.2, 0.9, 0.5], [0.1, 0, -0.1, 0.2]  # input, forget, cell, output
    hs, cs, _ = lstm(
        (np.array([[9.0] * 4, a]), np.array([[1]])),
        (np.array([[0.4]]), np.array([[-0.7]])),
        np.array([[0.1, 0.2, 0.3, 0.4]]),
        context=np.array([u]),
    )
    i, f, o = (sigmoid(a[k] + u[k] + 0.4 * w) for k, w in ((0, 0.1), (1, 0.2), (3, 0.4)))
    c = f * -0.7 + i * tanh(a[2] + u[2] + 0.4 * 0.3)
    assert cs[1, 0, 0] == pytest.approx(c, rel=1e-14)
    assert hs[1, 0, 0] == pytest.approx(o * tanh(c), rel=1e-14)


def test_finished_sequences_keep_their_states(arrays):
    del arrays["more"]
    hs, cs, _ = run(arrays, active=np.array([3, 2, 2, 1]))
    for row, length in enumerate((4, 3, 1)):
        alone = {name: arrays[name][row : row + 1] for name in ("context", "h0", "c0")}
        hs_alone, cs_alone, _ = run(arrays | alone, INDICES[:length, row : row + 1])
        np.testing.assert_allclose(hs[-1, row], hs_alone[-1, 0], rtol=1e-13)
        np.testing.assert_allclose(cs[-1, row], cs_alone[-1, 0], rtol=1e-13)


@pytest.mark.parametrize("active", [None, np.array([3, 2, 2, 1]), np.array([3, 3, 0, 0])])
@pytest.mark.parametrize("upstream", ["every h", "last h", "last c", "all"])
@pytest.mark.parametrize("without", [(), ("context",), ("more",), ("h0", "c0"), ("context", "more", "h0", "c0")])
def test_gradients(arrays, active, upstream, without):
    generator = np.random.default_rng(2)
    dhs = generator.normal(size=(4, 3, 2)) if upstream in ("every h", "all") else None
    dh = generator.normal(size=(3, 2)) if upstream in ("last h", "all") else None
    dc = generator.normal(size=(3, 2)) if upstream in ("last c", "all") else None
    for name in without:
        del arrays[name]

    def loss():
        hs, cs, _ = run(arrays, active=active)
        parts = ((hs[1:], dhs), (hs[-1], dh), (cs[-1], dc))
        return float(sum((value * gradient).sum() for value, gradient in parts if gradient is not None))

    _, _, backward = run(arrays, active=active)
    gradients = dict(zip(NAMES, backward(dhs, dh, dc), strict=True))
    for name in without:
        gradient = gradients.pop(name)
        assert gradient is None or name in ("h0", "c0")  # zero states have no gradients: these are arbitrary
    gradient_check(loss, arrays, gradients)


def test_backward_keeps_its_arguments_unchanged(arrays):
    _, _, backward = run(arrays)
    dhs, dh, dc = np.ones((4, 3, 2)), np.ones((3, 2)), np.ones((3, 2))
    backward(dhs, dh, dc)
    assert (dhs == 1).all()
    assert (dh == 1).all()
    assert (dc == 1).all()


def test_gradient_check_detects_a_wrong_gradient(arrays):
    _, _, backward = run(arrays)
    gradients = dict(zip(NAMES, backward(np.ones((4, 3, 2)), None, None), strict=True))
    gradients["Wh"][1, 3] *= 1.001

    def loss():
        return float(run(arrays)[0][1:].sum())

    with pytest.raises(GradientError, match=r"derivative of Wh\[1, 3\]"):
        gradient_check(loss, arrays, gradients)

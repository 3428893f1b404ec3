import numpy as np
import pytest

from henkan.nn import GradientError, gradient_check, numerical_gradient


def test_correct_gradient_passes_and_restores_the_array():
    x = np.array([[1.0, -2.0], [0.5, 3.0]])
    original = x.copy()
    gradient_check(lambda: float((x**3).sum()), {"x": x}, {"x": 3 * x**2})
    np.testing.assert_array_equal(x, original)


def test_numerical_gradient_of_a_view():
    x = np.arange(6.0).reshape(2, 3)
    np.testing.assert_allclose(numerical_gradient(lambda: float((x**2).sum()), x[:, 1]), [2, 8], rtol=1e-8)


@pytest.mark.parametrize(
    ("gradient", "message"),
    [
        (np.array([2.0, 4.00001]), r"x\[1\] is .*4\.00001.*central differences give"),
        (np.array([2.0, np.nan]), r"x\[1\] is .*nan"),
        (np.array([2.0]), "shape"),
    ],
)
def test_wrong_gradient_is_rejected(gradient, message):
    x = np.array([1.0, 2.0])
    with pytest.raises(GradientError, match=message):
        gradient_check(lambda: float((x**2).sum()), {"x": x}, {"x": gradient})


def test_single_precision_is_rejected():
    x = np.ones(1, np.float32)
    with pytest.raises(GradientError, match="float64"):
        gradient_check(lambda: float(x.sum()), {"x": x}, {"x": x})


def test_missing_gradient_is_rejected():
    with pytest.raises(GradientError, match="arrays"):
        gradient_check(lambda: 0.0, {"x": np.ones(1), "y": np.ones(1)}, {"x": np.zeros(1)})

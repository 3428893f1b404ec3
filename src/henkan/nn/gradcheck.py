"""Check a hand-written derivative against central differences."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from henkan.nn.parameters import Array


class GradientError(AssertionError):
    """A derivative that does not match its function."""


def numerical_gradient(function: Callable[[], float], array: Array, epsilon: float = 1e-5) -> Array:
    """Central differences: (f(x + e) - f(x - e)) / 2e for every element x of `array`.

    Args:
        function: computes f from `array`, which is changed in place and restored.
        array: float64, of any shape; may be a view.
        epsilon: e.

    Returns:
        the gradient, float64, of the shape of `array`.
    """
    gradient = np.empty(array.shape, np.float64)
    for index in np.ndindex(array.shape):
        value = array[index]
        array[index] = value + epsilon
        above = function()
        array[index] = value - epsilon
        below = function()
        array[index] = value
        gradient[index] = (above - below) / (2 * epsilon)
    return gradient


def gradient_check(
    function: Callable[[], float],
    arrays: Mapping[str, Array],
    gradients: Mapping[str, Array],
    *,
    epsilon: float = 1e-5,
    rtol: float = 1e-6,
    atol: float = 1e-9,
) -> None:
    """Check analytic gradients a against central differences n: |a - n| <= rtol max(|a|, |n|) + atol.

    Args:
        function: computes the loss from `arrays`, which are changed in place and restored.
        arrays: name -> float64 array that the loss depends on.
        gradients: name -> derivative of the loss with respect to that array, of the same shape.
        epsilon: step of the differences.
        rtol, atol: relative and absolute tolerance.

    Raises:
        GradientError: if a derivative is wrong (the message names the array, the element that differs most and both
            values), if names or shapes differ, or if an array is not float64.
    """
    if set(arrays) != set(gradients):
        raise GradientError(f"arrays {sorted(arrays)} but gradients {sorted(gradients)}")
    for name, array in arrays.items():
        if array.dtype != np.float64:
            raise GradientError(f"{name} is {array.dtype}; central differences need float64")
        if array.shape != gradients[name].shape:
            raise GradientError(f"{name} has shape {array.shape}, its gradient {gradients[name].shape}")
        numerical = numerical_gradient(function, array, epsilon)
        analytic = gradients[name]
        allowed = rtol * np.maximum(np.abs(analytic), np.abs(numerical)) + atol
        excess = np.abs(analytic - numerical) - allowed
        if excess.size and not excess.max() <= 0:  # "not <=" also catches a NaN
            worst = np.unravel_index(np.argmax(excess), excess.shape)
            index = ", ".join(str(int(i)) for i in worst)
            raise GradientError(
                f"the derivative of {name}[{index}] is {float(analytic[worst])!r}, "
                f"but central differences give {float(numerical[worst])!r}"
            )

"""Hold a hand-written derivative against central differences."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from henkan.nn.parameters import Array


class GradientError(AssertionError):
    """A derivative that does not agree with the function it belongs to."""


def numerical_gradient(function: Callable[[], float], array: Array, epsilon: float = 1e-5) -> Array:
    """(f(x + e) - f(x - e)) / 2e for every element x of `array`, which is changed in place and restored.

    Args:
        function: computes a number from `array` (and from whatever else it sees).
        array: float64, of any shape; a view is fine.
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
        gradients: name -> the derivative of the loss with respect to that array, of the same shape.

    Raises:
        GradientError: naming the array, the element and both values, at the worst disagreement.
    """
    if set(arrays) != set(gradients):
        raise GradientError(f"arrays {sorted(arrays)} but gradients {sorted(gradients)}")
    for name, array in arrays.items():
        if array.dtype != np.float64:
            raise GradientError(f"{name} is {array.dtype}; differences can be trusted in float64 alone")
        if array.shape != gradients[name].shape:
            raise GradientError(f"{name} has shape {array.shape}, its gradient {gradients[name].shape}")
        numerical = numerical_gradient(function, array, epsilon)
        analytic = gradients[name]
        allowed = rtol * np.maximum(np.abs(analytic), np.abs(numerical)) + atol
        excess = np.abs(analytic - numerical) - allowed
        if excess.size and not excess.max() <= 0:  # "not <=" also catches a NaN
            worst = np.unravel_index(np.argmax(excess), excess.shape)
            place = ", ".join(str(int(i)) for i in worst)
            raise GradientError(
                f"the derivative of {name}[{place}] is {float(analytic[worst])!r}, "
                f"but central differences give {float(numerical[worst])!r}"
            )

"""Initialisers: functions that draw a weight of a given shape, in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from henkan.nn.parameters import Array

if TYPE_CHECKING:  # numpy.random is imported when it is first used, which predictions do not
    Initializer = Callable[[tuple[int, ...], np.random.Generator], Array]
else:
    Initializer = Callable


def zeros(shape: tuple[int, ...], _: np.random.Generator) -> Array:
    """All zero, of any shape; draws nothing."""
    return np.zeros(shape)


def normal(deviation: float) -> Initializer:
    """Normal distribution N(0, deviation^2), for any shape."""
    return lambda shape, generator: generator.normal(0, deviation, shape)


def scaled_normal(fan_in: int | None = None) -> Initializer:
    """Normal distribution N(0, 1 / fan_in), which keeps the variance of a product's inputs (LeCun et al. 1998).

    Args:
        fan_in: number of inputs that are summed into one output; None: the first axis of the shape.
    """
    return lambda shape, generator: generator.normal(0, (fan_in or shape[0]) ** -0.5, shape)


def orthogonal_gates(shape: tuple[int, ...], generator: np.random.Generator) -> Array:
    """Recurrent weights (H, 4H) of an LSTM, an orthogonal matrix for each gate (Saxe et al. 2014).

    An orthogonal matrix preserves the norm of a state through time. Each is the Q of the QR decomposition of a matrix
    drawn from N(0, 1), multiplied by the signs of R's diagonal, which makes it uniformly distributed (Mezzadri 2007).

    Raises:
        ValueError: if the shape is not (H, 4H).
    """
    H = shape[0]
    if shape != (H, 4 * H):
        raise ValueError(f"recurrent weights have shape (H, 4H), not {shape}")
    return np.concatenate([_orthogonal(H, generator) for _ in range(4)], axis=1)


def forget_bias(shape: tuple[int, ...], _: np.random.Generator) -> Array:
    """Biases (4H,) of an LSTM: 1 for the forget gate, 0 for the others (Jozefowicz et al. 2015); draws nothing.

    A bias of 1 makes cells keep their content at the start of training.
    """
    bias = np.zeros(shape)
    quarter = shape[0] // 4
    bias[quarter : 2 * quarter] = 1
    return bias


def _orthogonal(size: int, generator: np.random.Generator) -> Array:
    """A uniformly distributed orthogonal matrix (size, size)."""
    q, r = np.linalg.qr(generator.normal(size=(size, size)))
    return np.asarray(q * np.sign(np.diag(r)))

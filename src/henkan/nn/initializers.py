"""First values of weights."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from henkan.nn.parameters import Array

Initializer = Callable[[tuple[int, ...], np.random.Generator], Array]


def zeros(shape: tuple[int, ...], generator: np.random.Generator) -> Array:  # noqa: ARG001
    """All zero; nothing is drawn."""
    return np.zeros(shape)


def normal(deviation: float) -> Initializer:
    """N(0, deviation^2)."""

    def draw(shape: tuple[int, ...], generator: np.random.Generator) -> Array:
        return generator.normal(0, deviation, shape)

    return draw


def scaled_normal(fan_in: int | None = None) -> Initializer:
    """N(0, 1 / fan_in); the default fan-in is the number of rows."""

    def draw(shape: tuple[int, ...], generator: np.random.Generator) -> Array:
        return generator.normal(0, (fan_in or shape[0]) ** -0.5, shape)

    return draw


def orthogonal_gates(shape: tuple[int, ...], generator: np.random.Generator) -> Array:
    """(H, 4H): an orthogonal matrix for each gate (Saxe et al. 2014)."""
    return np.concatenate([_orthogonal(shape[0], generator) for _ in range(4)], axis=1)


def forget_bias(shape: tuple[int, ...], generator: np.random.Generator) -> Array:  # noqa: ARG001
    """(4H,): 1 for the forget gate, else 0 (Jozefowicz et al. 2015); nothing is drawn."""
    H = shape[0] // 4
    bias = np.zeros(shape)
    bias[H : 2 * H] = 1
    return bias


def _orthogonal(size: int, generator: np.random.Generator) -> Array:
    q, r = np.linalg.qr(generator.normal(size=(size, size)))
    return np.asarray(q * np.sign(np.diag(r)))

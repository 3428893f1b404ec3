"""Adam, gradient clipping by global norm, and the one-cycle learning rate schedule."""

from __future__ import annotations

from math import cos, pi, sqrt
from types import ModuleType

import numpy as np

from henkan.nn.kernels import plain
from henkan.nn.kernels.structures import AdamStep
from henkan.nn.parameters import Array


class Adam:
    """Adam (Kingma & Ba 2015, algorithm 1) for one flat vector of weights.

    Args:
        size, dtype: of the vector of weights.
        beta1, beta2: decay rates of the running means.
        weight_decay: decoupled weight decay (AdamW, Loshchilov & Hutter 2019).
        kernels: the kernels to use; see `henkan.nn.kernels`.

    Attributes:
        m, v: running means of the gradient and of its square, of the shape of the weights.
        steps: number of updates so far.
    """

    def __init__(
        self,
        size: int,
        dtype: np.dtype[np.floating],
        *,
        beta1: float = 0.9,
        beta2: float = 0.999,
        weight_decay: float = 0.0,
        kernels: ModuleType = plain,
    ) -> None:
        self.kernels = kernels
        self.beta1, self.beta2, self.epsilon, self.weight_decay = beta1, beta2, 1e-8, weight_decay
        self.m: Array = np.zeros(size, dtype)
        self.v: Array = np.zeros(size, dtype)
        self.steps = 0

    def update(self, weights: Array, gradient: Array, learning_rate: float) -> None:
        """Update `weights` in place with their gradient, both of shape (size,).

        m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2
        w <- (1 - lr decay) w - lr m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + eps)
        """
        self.steps += 1
        scale1, scale2 = 1 - self.beta1**self.steps, 1 - self.beta2**self.steps
        step = AdamStep(
            rate=learning_rate / scale1,
            decay=1 - learning_rate * self.weight_decay,
            beta1=self.beta1,
            beta2=self.beta2,
            scale2=1 / sqrt(scale2),
            epsilon=self.epsilon,
        )
        self.kernels.adam_update(weights, gradient, self.m, self.v, step)


def clip_by_global_norm(gradient: Array, limit: float) -> float:
    """Scale `gradient` in place so that its norm is at most `limit`; return the original norm."""
    norm = sqrt(float(np.dot(gradient, gradient)))
    if norm > limit:
        gradient *= limit / norm
    return norm


def one_cycle(step: int, steps: int, peak: float, warmup: float) -> float:
    """The learning rate of an update under the one-cycle schedule (after Smith & Topin 2017).

    It rises along a cosine from peak / 25 to the peak, then falls along a cosine towards 0.

    Args:
        step: number of the update, from 0.
        steps: number of updates in the training run.
        peak: highest learning rate.
        warmup: share of the updates in which the rate rises, in [0, 1).
    """
    position, rise = step + 0.5, warmup * steps
    if position < rise:
        low = peak / 25
        return low + (peak - low) * (1 - cos(pi * position / rise)) / 2
    return peak * (1 + cos(pi * (position - rise) / (steps - rise))) / 2

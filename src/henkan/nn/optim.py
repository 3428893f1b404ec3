"""Adam, clipping by global norm, and the one-cycle schedule."""

from __future__ import annotations

from math import cos, pi, sqrt
from types import ModuleType

import numpy as np

from henkan.nn.kernels import plain
from henkan.nn.parameters import Array


class Adam:
    """Adam (Kingma & Ba 2015, algorithm 1), over one flat vector of weights.

    Args:
        size, dtype: of the vector of weights.
        beta1, beta2: how slowly the running means change.
        weight_decay: share of the learning rate by which weights shrink at each update, apart from the
            gradient (AdamW, Loshchilov & Hutter 2019).
        kernels: whose arithmetic; see `henkan.nn.kernels`.

    Attributes:
        m, v: running means of the gradient and of its square, one number for each weight.
        steps: updates made so far.
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
        """Change `weights` in place.

        m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2
        w <- (1 - lr decay) w - lr m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + eps)
        """
        self.steps += 1
        scale1, scale2 = 1 - self.beta1**self.steps, 1 - self.beta2**self.steps
        self.kernels.adam_update(
            weights,
            gradient,
            self.m,
            self.v,
            learning_rate / scale1,
            1 - learning_rate * self.weight_decay,
            self.beta1,
            self.beta2,
            1 / sqrt(scale2),
            self.epsilon,
        )


def clip_by_global_norm(gradient: Array, limit: float) -> float:
    """Scale `gradient` in place so that its norm is at most `limit`; return the norm that it had."""
    norm = sqrt(float(np.dot(gradient, gradient)))
    if norm > limit:
        gradient *= limit / norm
    return norm


def one_cycle(step: int, steps: int, peak: float, warmup: float) -> float:
    """The learning rate of update `step` (from 0) of `steps`.

    It rises along a cosine from peak / 25 to the peak in the first `warmup` of the updates, then falls
    along a cosine towards nothing (after Smith & Topin 2017).
    """
    position, rise = step + 0.5, warmup * steps
    if position < rise:
        low = peak / 25
        return low + (peak - low) * (1 - cos(pi * position / rise)) / 2
    return peak * (1 + cos(pi * (position - rise) / (steps - rise))) / 2
